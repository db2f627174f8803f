//! Queries that look random and are the same for the same seed: what the ways of running an engine are compared by.
//!
//! Every query has one answer, whichever plan it runs by: no order is left open, sums are of exact numbers, and
//! nothing fails for some rows only.

use crate::Numbers;

/// What kind of values a column has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Number,
    Text,
    Date,
}

/// A column that a query can see.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Tables by the number of their rows; each has the columns `id`, `k`, `x` (numbers), `g` (text) and `d` (date).
const TABLES: &[(&str, usize)] = &[("empty", 0), ("few", 7), ("several", 40), ("many", 150)];
const COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Number),
    ("k", Kind::Number),
    ("x", Kind::Number),
    ("g", Kind::Text),
    ("d", Kind::Date),
];

/// The statements that make the tables.
pub fn tables(numbers: &mut Numbers) -> Vec<String> {
    let mut statements = Vec::new();
    for (table, rows) in TABLES {
        statements.push(format!(
            "CREATE TABLE {table} (id INT, k INT, x NUMBER(8, 2), g VARCHAR, d DATE)"
        ));
        let ids = rows / numbers.one_of(&[1, 3]) + 1;
        let rows: Vec<String> = (0..*rows).map(|row| values(numbers, row * ids / rows)).collect();
        for some in rows.chunks(500) {
            statements.push(format!("INSERT INTO {table} VALUES {}", some.join(", ")));
        }
    }
    statements
}

fn values(numbers: &mut Numbers, id: usize) -> String {
    let mut cells = vec![id.to_string()];
    for kind in [Kind::Number, Kind::Number, Kind::Text, Kind::Date] {
        cells.push(match numbers.once_in(9) {
            true => "NULL".to_string(),
            false => literal(numbers, kind),
        });
    }
    format!("({})", cells.join(", "))
}

fn literal(numbers: &mut Numbers, kind: Kind) -> String {
    match kind {
        Kind::Number => numbers.below(20).to_string(),
        Kind::Text => numbers
            .one_of(&["'a'", "'b'", "'bb'", "''", "'a text that is longer than twelve bytes'"])
            .to_string(),
        Kind::Date => format!("DATE '2024-01-{:02}'", 1 + numbers.below(12)),
    }
}

/// Writes one query.
#[derive(Debug)]
pub struct Writer<'a> {
    pub(crate) numbers: &'a mut Numbers,
    /// A source that is read about as often as all tables together, with its columns.
    pub(crate) source: Option<(&'static str, Vec<Seen>)>,
    names: usize,
}

impl<'a> Writer<'a> {
    /// A writer that takes its choices from `numbers`.
    pub fn new(numbers: &'a mut Numbers) -> Writer<'a> {
        Writer { numbers, source: None, names: 0 }
    }

    /// A whole query.
    pub fn query(&mut self) -> String {
        if self.numbers.once_in(6) {
            return self.with();
        }
        let (mut sql, mut columns) = self.select(2);
        if self.numbers.once_in(6) {
            (sql, columns) = self.set_operation();
        }
        self.limited(sql, columns.len())
    }

    /// Rows in a whole order, of which some may be taken.
    fn limited(&mut self, sql: String, columns: usize) -> String {
        if !self.numbers.once_in(3) {
            return sql;
        }
        let direction = self.numbers.one_of(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
        let order: Vec<String> = (1..=columns).map(|at| format!("{at}{direction}")).collect();
        let limit = match self.numbers.below(3) {
            0 => String::new(),
            1 => format!(" LIMIT {}", self.numbers.below(20)),
            _ => format!(" LIMIT {} OFFSET {}", self.numbers.below(20), self.numbers.below(9)),
        };
        format!("SELECT * FROM ({sql}) ORDER BY {}{limit}", order.join(", "))
    }

    /// A common table expression that is read twice.
    fn with(&mut self) -> String {
        let (definition, columns) = self.select(2);
        let (first, second) = (self.name(), self.name());
        let of = |name: &str| -> Vec<Seen> {
            let seen = |c: &Seen| Seen { name: format!("{name}.{}", c.name), kind: c.kind };
            columns.iter().map(seen).collect()
        };
        let (on_first, on_second) = (of(&first), of(&second));
        let on = self.equality(&on_first, &on_second);
        let both: Vec<Seen> = on_first.into_iter().chain(on_second).collect();
        let filter = self.condition(&both, 1);
        format!(
            "WITH w AS ({definition}) SELECT {}, {} FROM w {first} JOIN w {second} ON {on} WHERE {filter}",
            both[0].name,
            both[both.len() - 1].name
        )
    }

    fn set_operation(&mut self) -> (String, Vec<Seen>) {
        let operator = self.numbers.one_of(&["UNION", "UNION ALL", "EXCEPT", "INTERSECT"]);
        let kinds = [Kind::Number, self.numbers.one_of(&[Kind::Number, Kind::Text])];
        let mut parts = Vec::new();
        for _ in 0..2 {
            let (from, seen) = self.from(2);
            let own = self.name();
            let items: Vec<String> = kinds.iter().map(|kind| self.of_kind(&seen, *kind)).collect();
            let filter = self.condition(&seen, 1);
            parts.push(format!(
                "SELECT {} AS {own}a, {} AS {own}b FROM {from} WHERE {filter}",
                items[0], items[1]
            ));
        }
        let columns = kinds.map(|kind| Seen { name: String::new(), kind }).to_vec();
        (parts.join(&format!(" {operator} ")), columns)
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("t{}", self.names)
    }

    /// A SELECT with its columns.
    fn select(&mut self, depth: usize) -> (String, Vec<Seen>) {
        let (from, seen) = self.from(depth);
        let filter = match self.numbers.once_in(3) {
            true => String::new(),
            false => format!(" WHERE {}", self.condition(&seen, depth)),
        };
        match self.numbers.below(5) {
            0 | 1 => self.grouped(&from, &filter, &seen),
            2 => self.windowed(&from, &filter, &seen),
            _ => self.plain(&from, &filter, &seen),
        }
    }

    fn plain(&mut self, from: &str, filter: &str, seen: &[Seen]) -> (String, Vec<Seen>) {
        let distinct = if self.numbers.once_in(4) { "DISTINCT " } else { "" };
        let mut columns = Vec::new();
        let mut items = Vec::new();
        for _ in 0..1 + self.numbers.below(4) {
            let (item, kind) = self.item(seen);
            let name = format!("c{}", columns.len());
            items.push(format!("{item} AS {name}"));
            columns.push(Seen { name, kind });
        }
        (format!("SELECT {distinct}{} FROM {from}{filter}", items.join(", ")), columns)
    }

    fn grouped(&mut self, from: &str, filter: &str, seen: &[Seen]) -> (String, Vec<Seen>) {
        let (mut columns, mut items, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.numbers.below(4) {
            let key = self.numbers.one_of(seen);
            let name = format!("c{}", columns.len());
            items.push(format!("{} AS {name}", key.name));
            keys.push(key.name);
            columns.push(Seen { name, kind: key.kind });
        }
        for _ in 0..1 + self.numbers.below(3) {
            let name = format!("c{}", columns.len());
            items.push(format!("{} AS {name}", self.aggregate(seen)));
            columns.push(Seen { name, kind: Kind::Number });
        }
        let group = match keys.as_slice() {
            [] => String::new(),
            keys => match self.numbers.below(8) {
                0 => format!(" GROUP BY ROLLUP ({})", keys.join(", ")),
                1 => format!(" GROUP BY CUBE ({})", keys.join(", ")),
                2 => format!(" GROUP BY GROUPING SETS (({}), ({}))", keys.join(", "), keys[0]),
                _ => format!(" GROUP BY {}", keys.join(", ")),
            },
        };
        let having = match self.numbers.once_in(4) {
            true => format!(" HAVING {} > {}", self.aggregate(seen), self.numbers.below(5)),
            false => String::new(),
        };
        (format!("SELECT {} FROM {from}{filter}{group}{having}", items.join(", ")), columns)
    }

    /// Window functions of which rows with equal keys have the same answer.
    fn windowed(&mut self, from: &str, filter: &str, seen: &[Seen]) -> (String, Vec<Seen>) {
        let partition = match self.numbers.once_in(4) {
            true => String::new(),
            false => format!("PARTITION BY {} ", self.numbers.one_of(seen).name),
        };
        let order = format!("ORDER BY {}", self.numbers.one_of(seen).name);
        let call = match self.numbers.below(5) {
            0 => format!("SUM({}) OVER ({partition}{order})", self.of_kind(seen, Kind::Number)),
            1 => format!("COUNT(*) OVER ({partition})"),
            2 => format!("DENSE_RANK() OVER ({partition}{order} DESC)"),
            _ => format!("RANK() OVER ({partition}{order})"),
        };
        let shown = self.numbers.one_of(seen);
        let qualify = match self.numbers.once_in(2) {
            true => format!(" QUALIFY {call} <= {}", 1 + self.numbers.below(4)),
            false => String::new(),
        };
        let sql = format!("SELECT {} AS c0, {call} AS c1 FROM {from}{filter}{qualify}", shown.name);
        let named = |name: &str, kind| Seen { name: name.to_string(), kind };
        (sql, vec![named("c0", shown.kind), named("c1", Kind::Number)])
    }

    fn aggregate(&mut self, seen: &[Seen]) -> String {
        let number = self.of_kind(seen, Kind::Number);
        let any = self.numbers.one_of(seen).name;
        match self.numbers.below(8) {
            0 => "COUNT(*)".to_string(),
            1 => format!("COUNT({any})"),
            2 => format!("COUNT(DISTINCT {any})"),
            3 => format!("MIN({number})"),
            4 => format!("MAX({number} + 1)"),
            5 => format!("SUM(IFF({}, {number}, NULL))", self.comparison(seen)),
            6 => format!("SUM(DISTINCT {number})"),
            _ => format!("SUM({number})"),
        }
    }

    fn item(&mut self, seen: &[Seen]) -> (String, Kind) {
        let column = self.numbers.one_of(seen);
        match (self.numbers.below(4), column.kind) {
            (0, Kind::Number) => (format!("COALESCE({}, 0) * 2", column.name), Kind::Number),
            (0, Kind::Text) => (format!("LENGTH({})", column.name), Kind::Number),
            (1, kind) => {
                let test = self.comparison(seen);
                (format!("CASE WHEN {test} THEN {} END", column.name), kind)
            }
            (_, kind) => (column.name, kind),
        }
    }

    /// A column of a kind, or a literal where there is none.
    pub(crate) fn of_kind(&mut self, seen: &[Seen], kind: Kind) -> String {
        let some: Vec<&Seen> = seen.iter().filter(|column| column.kind == kind).collect();
        match some.is_empty() {
            true => literal(self.numbers, kind),
            false => self.numbers.one_of(&some).name.clone(),
        }
    }

    /// What a query reads, with the columns seen there.
    pub(crate) fn from(&mut self, depth: usize) -> (String, Vec<Seen>) {
        if depth == 0 || self.numbers.once_in(3) {
            return self.table();
        }
        if self.numbers.once_in(4) {
            let (sql, columns) = self.select(depth - 1);
            let alias = self.name();
            let seen = |c: Seen| Seen { name: format!("{alias}.{}", c.name), kind: c.kind };
            return (format!("({sql}) {alias}"), columns.into_iter().map(seen).collect());
        }
        let (left, mut seen) = self.from(depth - 1);
        let (right, more) = self.from(depth - 1);
        let kind =
            self.numbers.one_of(&["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        let mut on = self.equality(&seen, &more);
        seen.extend(more);
        if self.numbers.once_in(3) {
            on = format!("{on} AND {}", self.comparison(&seen));
        }
        (format!("{left} {kind} {right} ON {on}"), seen)
    }

    fn table(&mut self) -> (String, Vec<Seen>) {
        let alias = self.name();
        if self.numbers.once_in(2)
            && let Some((source, columns)) = &self.source
        {
            let seen = |c: &Seen| Seen { name: format!("{alias}.{}", c.name), kind: c.kind };
            return (format!("{source} {alias}"), columns.iter().map(seen).collect());
        }
        let empty = usize::from(!self.numbers.once_in(12));
        let table = self.numbers.one_of(&TABLES[empty..]).0;
        let seen =
            |(name, kind): &(&str, Kind)| Seen { name: format!("{alias}.{name}"), kind: *kind };
        (format!("{table} {alias}"), COLUMNS.iter().map(seen).collect())
    }

    fn equality(&mut self, left: &[Seen], right: &[Seen]) -> String {
        let first = self.numbers.one_of(left);
        let second = self.of_kind(right, first.kind);
        let operator = if self.numbers.once_in(8) { "IS NOT DISTINCT FROM" } else { "=" };
        format!("{} {operator} {second}", first.name)
    }

    fn comparison(&mut self, seen: &[Seen]) -> String {
        let column = self.numbers.one_of(seen);
        let other = match self.numbers.once_in(3) {
            true => self.of_kind(seen, column.kind),
            false => literal(self.numbers, column.kind),
        };
        match self.numbers.below(8) {
            0 => format!("{} IS NULL", column.name),
            1 => format!("{} IS NOT NULL", column.name),
            2 => format!("{} IN ({other}, {})", column.name, literal(self.numbers, column.kind)),
            3 => format!("{} NOT IN ({other})", column.name),
            _ => {
                let operator = self.numbers.one_of(&["=", "<>", "<", "<=", ">", ">="]);
                format!("{} {operator} {other}", column.name)
            }
        }
    }

    /// What a WHERE demands; with some depth, of subqueries too.
    pub(crate) fn condition(&mut self, seen: &[Seen], depth: usize) -> String {
        match self.numbers.below(8) {
            0 => format!("({} AND {})", self.condition(seen, depth), self.comparison(seen)),
            1 => format!("({} OR {})", self.condition(seen, depth), self.comparison(seen)),
            2 => format!("NOT ({})", self.comparison(seen)),
            3 | 4 if depth > 0 => self.subquery(seen),
            _ => self.comparison(seen),
        }
    }

    fn subquery(&mut self, outer: &[Seen]) -> String {
        let (from, own) = self.from(1);
        let tie = self.equality(outer, &own);
        let filter = self.comparison(&own);
        let column = self.numbers.one_of(outer);
        let same = self.of_kind(&own, column.kind);
        let not = if self.numbers.once_in(2) { "NOT " } else { "" };
        match self.numbers.below(5) {
            0 => format!("{} {not}IN (SELECT {same} FROM {from} WHERE {filter})", column.name),
            1 => format!("{} {not}IN (SELECT {same} FROM {from} WHERE {tie})", column.name),
            2 => {
                let (call, number) = (self.aggregate(&own), self.of_kind(outer, Kind::Number));
                format!("(SELECT {call} FROM {from} WHERE {tie} AND {filter}) >= {number}")
            }
            3 => {
                format!("(SELECT COUNT(*) FROM {from} WHERE {filter}) > {}", self.numbers.below(9))
            }
            _ => format!("{not}EXISTS (SELECT 1 FROM {from} WHERE {tie} AND {filter})"),
        }
    }
}
