//! A plan as its users see it, in EXPLAIN and in profiles: what each operator is and does, with names
//! where the plan has numbers.

use firn_expression::Expr;
pub use firn_expression::display::ColumnNames;
use firn_types::scan_predicate::ScanPredicate;
use firn_types::{ColumnPath, SqlType, Value};

use super::{
    Aggregate, AggregateCall, ApplyKind, Join, JoinKind, Plan, PlanColumn, ProjectItem, SampleSize,
    Scan, SortKey, VirtualSource, Window, WindowCall, WindowTarget,
};

/// Characters of an attribute that are kept.
const TEXT_CHARACTERS_MAX: usize = 4_000;

/// What one operator does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// What is read, where it has a name: a table, a stage.
    pub object: Option<String>,
    /// The name that the statement gives it.
    pub alias: Option<String>,
    /// What is done, by name, in the order in which it is told.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
    /// A number.
    Number(u64),
}

impl Description {
    fn text(mut self, name: &'static str, text: impl Into<String>) -> Description {
        self.attributes.push((name, Attribute::Text(short(text.into()))));
        self
    }

    fn list(mut self, name: &'static str, list: impl IntoIterator<Item = String>) -> Description {
        self.attributes.push((name, Attribute::List(list.into_iter().map(short).collect())));
        self
    }

    fn number(mut self, name: &'static str, number: u64) -> Description {
        self.attributes.push((name, Attribute::Number(number)));
        self
    }

    /// Conditions that all hold; nothing where there are none.
    fn conditions(
        self,
        name: &'static str,
        conditions: &[Expr],
        names: &ColumnNames,
    ) -> Description {
        match conditions {
            [] => self,
            conditions => self.text(name, shown(conditions, names).join(" AND ")),
        }
    }

    /// Reading or writing what has a name.
    pub fn of_object(object: impl Into<String>) -> Description {
        Description { object: Some(object.into()), ..Description::default() }
    }

    /// A client's `Result`: the columns that it sees.
    pub fn of_result(columns: impl IntoIterator<Item = String>) -> Description {
        Description::default().list("expressions", columns)
    }
}

impl Plan {
    /// How the columns of the plan are called: `TABLE.COLUMN` where they are stored, else by their header.
    pub fn column_names(&self) -> ColumnNames {
        let mut names = ColumnNames::new();
        self.gather_names(&mut names);
        names
    }

    fn gather_names(&self, names: &mut ColumnNames) {
        self.inputs().into_iter().for_each(|input| input.gather_names(names));
        let mut add = |columns: &[PlanColumn]| {
            names.extend(columns.iter().map(|column| (column.id, column.name.clone())));
        };
        match self {
            Plan::Scan(node) => {
                let table = node.alias.as_ref().unwrap_or(&node.table.header.name);
                let name = |name: &str| format!("{table}.{name}");
                let columns = node.columns().into_iter();
                names.extend(columns.map(|column| (column.id, name(&column.name))));
            }
            Plan::VirtualScan(node) => add(&node.columns),
            Plan::StageScan(node) => add(&node.columns()),
            Plan::Values(node) => add(&node.columns),
            Plan::SetOperation(node) => add(&node.columns),
            Plan::LateralFunction(node) => add(&node.columns),
            Plan::ForeignTable(node) => add(&node.columns),
            Plan::CteRef(node) => add(&node.columns),
            Plan::RecursiveCte(node) => add(&node.columns),
            Plan::Project(node) => add_items(&node.items, names),
            Plan::Aggregate(node) => {
                add_items(&node.groups, names);
                names.extend(node.aggregates.iter().map(|call| (call.id, call.name.clone())));
                names.extend(node.grouping_id.map(|id| (id, "GROUPING_ID".to_string())));
            }
            Plan::Window(node) => {
                names.extend(node.calls.iter().map(|call| (call.id, call.name.clone())));
            }
            Plan::Join(node) => {
                if let JoinKind::Mark { id, .. } = node.kind {
                    names.insert(id, "MATCHES".to_string());
                }
            }
            Plan::Apply(node) => {
                if let ApplyKind::Exists { id } | ApplyKind::Any { id, .. } = &node.kind {
                    names.insert(*id, "MATCHES".to_string());
                }
            }
            Plan::Generate(_)
            | Plan::Filter(_)
            | Plan::Secure(_)
            | Plan::Sort(_)
            | Plan::Limit(_)
            | Plan::With(_)
            | Plan::Sample(_) => {}
        }
    }

    /// What the node does, with names for the plan's columns.
    pub fn describe(&self, names: &ColumnNames) -> Description {
        let plain = Description::default();
        match self {
            Plan::Scan(node) => scan(node, names),
            Plan::VirtualScan(node) => Description {
                object: Some(source_name(&node.source)),
                ..plain.list("columns", own_names(&node.columns))
            },
            Plan::StageScan(node) => {
                let told = plain.list("columns", own_names(&node.columns()));
                let told = match &node.members {
                    Some(members) => told.list("members", members.iter().cloned()),
                    None => told,
                };
                let told = told.conditions("pushed_down_filter", &node.file_conditions, names);
                Description { object: Some(node.shown.clone()), ..told }
            }
            Plan::Values(node) => plain.number("value_count", node.rows.len() as u64),
            Plan::Generate(node) => plain.number("row_count", node.rows),
            Plan::Filter(node) => plain.conditions("filter_condition", &node.conditions, names),
            Plan::Project(node) => plain.list("expressions", items(&node.items, names)),
            Plan::Aggregate(node) => aggregate(node, names),
            Plan::Window(node) => window(node, names),
            Plan::Sort(node) => {
                let sorted = plain.list("sort_keys", sort_keys(&node.keys, names));
                node.limit.map_or(sorted.clone(), |rows| sorted.number("rows", rows))
            }
            Plan::Limit(node) => {
                let limited = node.fetch.map_or(plain.clone(), |rows| plain.number("rows", rows));
                limited.number("offset", node.skip)
            }
            Plan::Join(node) => join(node, names),
            Plan::LateralFunction(node) => plain.list("input", shown(&node.arguments, names)),
            Plan::ForeignTable(node) => plain
                .text("function", node.function.name.clone())
                .list("input", shown(&node.arguments, names))
                .list("partition_keys", shown(&node.partition_by, names))
                .list("sort_keys", sort_keys(&node.order_by, names)),
            Plan::Sample(node) => plain.text("sample_size", sample_size(&node.size)),
            Plan::With(node) => plain.text("name", format!("CTE {}", node.cte)),
            Plan::CteRef(node) => plain.text("name", format!("CTE {}", node.cte)),
            Plan::RecursiveCte(node) => plain.text("name", format!("CTE {}", node.cte)),
            Plan::Secure(node) => Description::of_object(node.object.as_str()),
            Plan::Apply(_) | Plan::SetOperation(_) => plain,
        }
    }
}

impl Plan {
    /// The inputs that a plan's readers are shown: nothing of what is below a protected table.
    pub fn shown_inputs(&self) -> Vec<&Plan> {
        match self {
            Plan::Secure(_) => Vec::new(),
            other => other.inputs(),
        }
    }

    /// What the node may leave out, which the operators of a user's EXPLAIN do not tell: the micro-partitions that
    /// statistics can skip, rows of a partition beyond its first ones.
    pub fn shortcut(&self) -> Option<String> {
        match self {
            Plan::Scan(node) if node.pruning != ScanPredicate::True => {
                Some(format!("pruning: {}", pruning(&node.pruning, node)))
            }
            Plan::Window(Window { top: Some((_, rows)), .. }) => {
                Some(format!("first rows of each partition: {rows}"))
            }
            _ => None,
        }
    }
}

fn pruning(predicate: &ScanPredicate, scan: &Scan) -> String {
    let name = |source: &ColumnPath| {
        let column = scan.columns.iter().find(|column| column.source == *source);
        column.map_or_else(|| source.field.to_string(), |column| column.column.name.clone())
    };
    let value =
        |value: &Value| Expr::Literal { value: value.clone(), sql_type: SqlType::Null }.to_string();
    let joined = |parts: &[ScanPredicate], between: &str| {
        let parts: Vec<String> = parts.iter().map(|part| pruning(part, scan)).collect();
        format!("({})", parts.join(between))
    };
    match predicate {
        ScanPredicate::True => "TRUE".to_string(),
        ScanPredicate::False => "FALSE".to_string(),
        ScanPredicate::Compare { column, operator, value: bound } => {
            format!("{} {} {}", name(column), operator.symbol(), value(bound))
        }
        ScanPredicate::In { column, values } => {
            let values: Vec<String> = values.iter().map(value).collect();
            format!("{} IN ({})", name(column), values.join(", "))
        }
        ScanPredicate::StartsWith { column, prefix } => {
            format!("{} STARTS WITH {}", name(column), value(&Value::text(prefix.as_str())))
        }
        ScanPredicate::IsNull(column) => format!("{} IS NULL", name(column)),
        ScanPredicate::IsNotNull(column) => format!("{} IS NOT NULL", name(column)),
        ScanPredicate::And(parts) => joined(parts, " AND "),
        ScanPredicate::Or(parts) => joined(parts, " OR "),
    }
}

fn scan(node: &Scan, names: &ColumnNames) -> Description {
    let columns = node.columns.iter().map(|column| column.column.name.clone());
    let described = Description {
        object: Some(node.qualified_name.clone()),
        alias: node.alias.clone(),
        ..Description::default()
    };
    let described = described.list("columns", columns);
    let described = described.conditions("pushed_down_filter", &node.conditions, names);
    node.limit.map_or(described.clone(), |rows| described.number("rows", rows))
}

fn source_name(source: &VirtualSource) -> String {
    match source {
        VirtualSource::InformationSchema { database, view } => {
            format!("{database}.INFORMATION_SCHEMA.{view}")
        }
        VirtualSource::AccountUsage { view } => format!("SNOWFLAKE.ACCOUNT_USAGE.{view}"),
        VirtualSource::Function { name, .. } | VirtualSource::Procedure { name, .. } => {
            name.clone()
        }
        VirtualSource::Result { query_id } => format!("RESULT_SCAN({query_id})"),
    }
}

fn join(node: &Join, names: &ColumnNames) -> Description {
    let kind = match node.kind {
        JoinKind::Inner => "INNER",
        JoinKind::Left => "LEFT OUTER",
        JoinKind::Right => "RIGHT OUTER",
        JoinKind::Full => "FULL OUTER",
        JoinKind::Semi => "LEFT SEMI",
        JoinKind::Anti => "LEFT ANTI",
        JoinKind::RightSemi => "RIGHT SEMI",
        JoinKind::RightAnti => "RIGHT ANTI",
        JoinKind::Mark { .. } => "MARK",
        JoinKind::Single => "SINGLE",
    };
    let key = |key: &super::JoinKey| {
        let operator = if key.null_equals_null { "IS NOT DISTINCT FROM" } else { "=" };
        format!("({} {operator} {})", key.left.named(names), key.right.named(names))
    };
    let keys: Vec<String> = node.keys.iter().map(key).collect();
    let described = Description::default().text("join_type", kind);
    let described = match keys.as_slice() {
        [] => described,
        keys => described.text("equality_join_condition", keys.join(" AND ")),
    };
    described.conditions("additional_join_condition", &node.conditions, names)
}

fn aggregate(node: &Aggregate, names: &ColumnNames) -> Description {
    let calls = node.aggregates.iter().map(|call| aggregate_call(call, names));
    let described = match node.aggregates.as_slice() {
        [] => Description::default(),
        _ => Description::default().list("functions", calls),
    };
    let described = match node.groups.as_slice() {
        [] => described,
        groups => described.list("grouping_keys", items(groups, names)),
    };
    let Some(sets) = &node.grouping_sets else { return described };
    let keys = items(&node.groups, names);
    let set = |set: &Vec<usize>| {
        let keys = set.iter().filter_map(|position| keys.get(*position).cloned());
        format!("({})", keys.collect::<Vec<_>>().join(", "))
    };
    described.list("key_sets", sets.iter().map(set))
}

fn aggregate_call(call: &AggregateCall, names: &ColumnNames) -> String {
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let arguments = match call.arguments.as_slice() {
        [] => "*".to_string(),
        arguments => shown(arguments, names).join(", "),
    };
    format!("{}({distinct}{arguments})", call.function.name)
}

fn window(node: &Window, names: &ColumnNames) -> Description {
    let call = |call: &WindowCall| {
        let name = match &call.target {
            WindowTarget::Window(function, _) => function.name,
            WindowTarget::Aggregate { function, .. } => function.name,
        };
        let mut over = Vec::new();
        if !call.partition_by.is_empty() {
            let keys = shown(&call.partition_by, names).join(", ");
            over.push(format!("PARTITION BY {keys}"));
        }
        if !call.order_by.is_empty() {
            over.push(format!("ORDER BY {}", sort_keys(&call.order_by, names).join(", ")));
        }
        let arguments = shown(&call.arguments, names).join(", ");
        format!("{name}({arguments}) OVER ({})", over.join(" "))
    };
    Description::default().list("functions", node.calls.iter().map(call))
}

fn sample_size(size: &SampleSize) -> String {
    match size {
        SampleSize::Percent(percent) => format!("{percent}%"),
        SampleSize::Rows(rows) => format!("{rows} rows"),
    }
}

fn sort_keys(keys: &[SortKey], names: &ColumnNames) -> Vec<String> {
    let key = |key: &SortKey| {
        let direction = if key.descending { "DESC" } else { "ASC" };
        let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
        format!("{} {direction} NULLS {nulls}", key.expr.named(names))
    };
    keys.iter().map(key).collect()
}

fn items(items: &[ProjectItem], names: &ColumnNames) -> Vec<String> {
    items.iter().map(|item| item.expr.named(names).to_string()).collect()
}

fn shown(exprs: &[Expr], names: &ColumnNames) -> Vec<String> {
    exprs.iter().map(|expr| expr.named(names).to_string()).collect()
}

fn own_names(columns: &[PlanColumn]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// The beginning of a text that is too long to be read: profiles are kept for a while.
fn short(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARACTERS_MAX) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// A column that is only passed on keeps its name; another one is called by its header.
fn add_items(items: &[ProjectItem], names: &mut ColumnNames) {
    for item in items {
        let passed = item.expr.as_column().and_then(|id| names.get(&id).cloned());
        names.insert(item.id, passed.unwrap_or_else(|| item.name.clone()));
    }
}
