//! Reads what is at a path of a semi-structured column like a column.
//!
//! Where all values at the path are of one type in every micro-partition of the version that is read, `v:a.b::INT` is
//! a column of the scan: with statistics, in its own place in the files, and read without the rest of `v`
//! (see `firn_storage::shredding`).
//!
//! ```text
//! Aggregate: V:kind::VARCHAR                   Aggregate: V:kind
//!   Filter: V:time::NUMBER > 5          =>       Filter: V:time > 5
//!     Scan: T, V                                   Scan: T, V, V:kind, V:time
//! ```
//!
//! Objects, arrays and what is of several types are VARIANTs of their own then, so that `FLATTEN(v:items)` reads no
//! other part of `v`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use firn_expression::Expr;
use firn_functions::Meaning;
use firn_plan::{Plan, PlanColumn, ProjectItem, Scan, ScanColumn};
use firn_storage::{FieldPaths, PathType, PathValues};
use firn_types::coerce::can_cast;
use firn_types::variant::{Path, Step};
use firn_types::{ColumnId, ColumnPath, FieldId, KeyPath, SqlType, Value};

use super::OptimizeContext;
use super::partial::scalar;

pub(super) fn apply(plan: Plan, context: &OptimizeContext<'_>) -> Plan {
    let mut reads = PathReads { columns: HashMap::new(), found: HashMap::new(), context };
    reads.note_columns(&plan, false);
    if reads.columns.is_empty() {
        return plan;
    }
    let (plan, _) = reads.rewrite(plan);
    if reads.found.is_empty() {
        return plan;
    }
    reads.widen(plan, &HashSet::new())
}

/// Which paths are read of which columns.
struct PathReads<'c> {
    /// The semi-structured columns of scans.
    columns: HashMap<ColumnId, SemiStructured>,
    /// The columns that paths become, by the column that they are in, and the type that is read.
    found: HashMap<(ColumnId, KeyPath, SqlType), PlanColumn>,
    context: &'c OptimizeContext<'c>,
}

/// A semi-structured column of a scan.
struct SemiStructured {
    field: FieldId,
    name: String,
    paths: Arc<FieldPaths>,
}

impl PathReads<'_> {
    /// Notes the semi-structured columns of scans. Where the columns of a node count by their places, a scan from
    /// which all columns come up to there gets no further ones: it is `exposed`.
    fn note_columns(&mut self, plan: &Plan, exposed: bool) {
        match plan {
            Plan::Scan(scan) if !exposed => {
                scan.columns.iter().for_each(|column| self.note_column(scan, column));
            }
            Plan::With(node) => {
                self.note_columns(&node.definition, true);
                self.note_columns(&node.body, exposed);
            }
            _ => {
                let exposed = match plan {
                    Plan::SetOperation(_) | Plan::RecursiveCte(_) => true,
                    Plan::Project(_) | Plan::Aggregate(_) => false,
                    _ => exposed,
                };
                plan.inputs().into_iter().for_each(|input| self.note_columns(input, exposed));
            }
        }
    }

    fn note_column(&mut self, scan: &Scan, column: &ScanColumn) {
        let PlanColumn { id, name, sql_type, .. } = &column.column;
        let field = column.source.field;
        if !sql_type.has_paths() || column.source.path.is_some() {
            return;
        }
        // Rows that are older than the column have its default, in which nobody has looked for paths.
        let known = scan.table.columns.iter().find(|known| known.field_id == field);
        let default = known.and_then(|known| known.initial_default.as_ref());
        if default.is_some_and(|default| !default.is_null()) {
            return;
        }
        if let Some(paths) = scan.snapshot.field_paths(field) {
            self.columns.insert(*id, SemiStructured { field, name: name.clone(), paths });
        }
    }

    /// Replaces paths in the expressions of a plan. Tells which of the columns come up from their scans, so that more
    /// could come along.
    fn rewrite(&mut self, plan: Plan) -> (Plan, HashSet<ColumnId>) {
        let mut given = HashSet::new();
        let mut plan = plan.map_inputs(&mut |input| {
            let (input, columns) = self.rewrite(input);
            given.extend(columns);
            input
        });
        if let Plan::Scan(scan) = &plan {
            let ids = scan.columns.iter().map(|column| column.column.id);
            given.extend(ids.filter(|id| self.columns.contains_key(id)));
        }
        plan.expressions_mut().into_iter().for_each(|expr| self.rewrite_expr(expr, &given));
        match &plan {
            Plan::Project(node) => {
                let passed = |id: &ColumnId| node.items.iter().any(|item| passes(item, *id));
                given.retain(passed);
            }
            Plan::Aggregate(_) | Plan::SetOperation(_) | Plan::RecursiveCte(_) => given.clear(),
            // Of a definition nothing comes up but what its readers give other names.
            Plan::With(node) => {
                let body: HashSet<ColumnId> =
                    node.body.columns().iter().map(|column| column.id).collect();
                given.retain(|id| body.contains(id));
            }
            _ => {}
        }
        (plan, given)
    }

    /// Lets scans, and projections on the way, give the columns that are `used` above.
    fn widen(&self, mut plan: Plan, used: &HashSet<ColumnId>) -> Plan {
        match &mut plan {
            Plan::Scan(scan) => {
                let own: Vec<ColumnId> = scan.columns.iter().map(|read| read.column.id).collect();
                scan.columns.extend(own.into_iter().flat_map(|id| self.found_in(id)));
            }
            Plan::Project(node) => {
                let passed = node.items.iter().filter(|item| passes(item, item.id));
                let more = passed.flat_map(|item| self.found_in(item.id));
                let more = more.filter(|read| used.contains(&read.column.id));
                let more: Vec<ProjectItem> = more.map(|read| passed_on(&read.column)).collect();
                node.items.extend(more);
            }
            _ => {}
        }
        let own = plan.expressions().into_iter().flat_map(Expr::columns_used);
        let below: HashSet<ColumnId> = used.iter().copied().chain(own).collect();
        plan.map_inputs(&mut |input| self.widen(input, &below))
    }

    /// Replaces paths in an expression by columns, as far as they are known to be of one type.
    fn rewrite_expr(&mut self, expr: &mut Expr, given: &HashSet<ColumnId>) {
        let path_read = |expr: &Expr| path_read(expr).filter(|(id, _)| given.contains(id));
        let read = match &*expr {
            Expr::Cast { input, to, lenient } => {
                path_read(input).and_then(|(id, path)| self.cast(id, path, *to, *lenient))
            }
            other => match path_read(other) {
                Some((id, path)) => self.as_variant(id, path),
                None => self.element(other, given),
            },
        };
        match read {
            Some(read) => *expr = read,
            None => {
                expr.children_mut().into_iter().for_each(|child| self.rewrite_expr(child, given));
            }
        }
    }

    /// A path that is converted.
    fn cast(&mut self, id: ColumnId, path: KeyPath, to: SqlType, lenient: bool) -> Option<Expr> {
        let values = self.columns.get(&id)?.paths.at(&path)?;
        let sql_type = column_type(values, to)?;
        let column = self.column(id, path, sql_type);
        Some(match sql_type == to {
            true => column.expr(),
            false => Expr::Cast { input: Box::new(column.expr()), to, lenient },
        })
    }

    /// A path whose values are used as VARIANTs.
    fn as_variant(&mut self, id: ColumnId, path: KeyPath) -> Option<Expr> {
        let values = self.columns.get(&id)?.paths.at(&path)?;
        // JSON's null is a VARIANT, and no SQL NULL. Other numbers and FLOATs might become another VARIANT.
        let returns = match values.path_type {
            PathType::Text | PathType::Boolean | PathType::Number { .. } if values.json_null => {
                return None;
            }
            PathType::Text => SqlType::TEXT,
            PathType::Boolean => SqlType::Boolean,
            PathType::Number { scale: 0, .. } => values.path_type.sql_type()?,
            PathType::Other => return Some(self.column(id, path, SqlType::Variant).expr()),
            _ => return None,
        };
        let input = Box::new(self.column(id, path, returns).expr());
        Some(Expr::Cast { input, to: SqlType::Variant, lenient: false })
    }

    /// A path that goes on with an element of an array, and not by keys alone.
    fn element(&mut self, expr: &Expr, given: &HashSet<ColumnId>) -> Option<Expr> {
        let (id, path) = path_argument(expr).filter(|(id, _)| given.contains(id))?;
        let is_key = |step: &&Step| matches!(step, Step::Key(_));
        let (keys, rest) = path.steps.split_at(path.steps.iter().take_while(is_key).count());
        let keys = KeyPath::parse(&Path { steps: keys.to_vec() }.to_string())?;
        let array = self.as_variant(id, keys).filter(|array| array.as_column().is_some())?;
        let value = Value::text(Path { steps: rest.to_vec() }.to_string());
        scalar("GET_PATH", [array, Expr::Literal { value, sql_type: SqlType::TEXT }]).ok()
    }

    /// The column that a path becomes.
    fn column(&mut self, id: ColumnId, path: KeyPath, sql_type: SqlType) -> PlanColumn {
        let PathReads { columns, found, context } = self;
        let name = columns.get(&id).map(|column| column.name.as_str()).unwrap_or_default();
        let new = || context.fresh_column(&format!("{name}:{path}"), sql_type, true);
        found.entry((id, path.clone(), sql_type)).or_insert_with(new).clone()
    }

    /// What a scan reads more for one of its columns, in a stable order.
    fn found_in(&self, id: ColumnId) -> Vec<ScanColumn> {
        let Some(column) = self.columns.get(&id) else { return Vec::new() };
        let of_column = self.found.iter().filter(|((of, _, _), _)| *of == id);
        let scan_column = |((_, path, _), found): (&(ColumnId, KeyPath, SqlType), &PlanColumn)| {
            let source = ColumnPath { field: column.field, path: Some(path.clone()) };
            ScanColumn { column: found.clone(), source }
        };
        let mut columns: Vec<ScanColumn> = of_column.map(scan_column).collect();
        columns.sort_by_key(|column| column.column.id);
        columns
    }
}

/// A projection's item that passes a column on.
fn passed_on(column: &PlanColumn) -> ProjectItem {
    ProjectItem { id: column.id, name: column.name.clone(), expr: column.expr() }
}

/// Whether a projection's item is a column that is only passed on.
fn passes(item: &ProjectItem, id: ColumnId) -> bool {
    item.id == id && item.expr.as_column() == Some(id)
}

/// The column and the path that an expression reads.
fn path_read(expr: &Expr) -> Option<(ColumnId, KeyPath)> {
    let (id, path) = path_argument(expr)?;
    Some((id, KeyPath::parse(&path.to_string())?))
}

/// The same, where the path may count elements of arrays.
fn path_argument(expr: &Expr) -> Option<(ColumnId, Path)> {
    let Expr::Call { function, arguments, .. } = expr else { return None };
    let [values, path] = arguments.as_slice() else { return None };
    match (function.meaning, path.as_literal()?) {
        (Meaning::PathAccess, Value::Text(path)) => {
            Some((values.as_column()?, Path::parse(path).ok()?))
        }
        _ => None,
    }
}

/// As which type a path is read that is converted to another one; none where the answer, or an error, might differ from
/// that of the VARIANT.
fn column_type(values: PathValues, to: SqlType) -> Option<SqlType> {
    let stored = values.path_type.sql_type();
    let is_exact = match values.path_type {
        PathType::Absent => return (to != SqlType::Variant).then_some(to),
        PathType::Boolean => matches!(to, SqlType::Boolean | SqlType::TEXT),
        PathType::Number { scale, whole_digits } => match to {
            SqlType::Number { precision, scale: wanted } => {
                let rounded = u8::from(scale > wanted);
                whole_digits + rounded <= precision - wanted
            }
            SqlType::Float => true,
            to => to == SqlType::TEXT && scale == 0,
        },
        PathType::Float => to == SqlType::Float,
        PathType::Text => {
            let is_plain = !matches!(to, SqlType::Variant | SqlType::Binary { .. });
            is_plain && can_cast(SqlType::TEXT, to)
        }
        PathType::Other => false,
    };
    stored.filter(|_| is_exact)
}
