//! Random queries over a derived table, which must answer as they do over a table made of it.
//!
//! The derived table shows columns twice and under other names, and columns that lambdas, subqueries and NULLs
//! of several types give: what an optimizer could take for one and the same.

use crate::Numbers;
use crate::random_query::{Kind, Seen, Writer};

/// What stands in a query for its source.
const SOURCE: &str = "SOURCE";

/// A query that can be asked of a derived table and of a table with its rows.
#[derive(Debug)]
pub struct DerivedQuery {
    definition: String,
    query: String,
}

impl DerivedQuery {
    /// A query that `numbers` choose.
    pub fn write(numbers: &mut Numbers) -> DerivedQuery {
        let (definition, columns) = definition(numbers);
        let mut writer = Writer::new(numbers);
        writer.source = Some((SOURCE, columns.clone()));
        let query = match writer.numbers.below(8) {
            0 => pivot(writer.numbers, &columns),
            1 => unpivot(writer.numbers, &columns),
            2 => lateral(&mut writer, &columns),
            _ => writer.query(),
        };
        DerivedQuery { definition, query }
    }

    /// The statement that makes a table of the derived one.
    pub fn table(&self, name: &str) -> String {
        format!("CREATE OR REPLACE TEMPORARY TABLE {name} AS {}", self.definition)
    }

    /// The query over the derived table.
    pub fn over_derived(&self) -> String {
        self.query.replace(SOURCE, &format!("({})", self.definition))
    }

    /// The query over a table.
    pub fn over_table(&self, name: &str) -> String {
        self.query.replace(SOURCE, name)
    }
}

/// A SELECT whose columns are hard to tell apart.
fn definition(numbers: &mut Numbers) -> (String, Vec<Seen>) {
    let mut writer = Writer::new(numbers);
    let (from, seen) = writer.from(1);
    let (mut items, mut columns) = (Vec::new(), Vec::<Seen>::new());
    let mut add = |item: String, kind| {
        let name = format!("c{}", columns.len());
        items.push(format!("{item} AS {name}"));
        columns.push(Seen { name, kind });
    };
    for kind in [Kind::Number, Kind::Text, Kind::Number] {
        let column = writer.of_kind(&seen, kind);
        add(column.clone(), kind);
        add(column, kind);
    }
    let text = writer.of_kind(&seen, Kind::Text);
    let number = writer.of_kind(&seen, Kind::Number);
    for letter in ["a", "A"] {
        add(
            format!("ARRAY_SIZE(FILTER(['a', 'A', 'A', {text}], e -> e = '{letter}'))"),
            Kind::Number,
        );
        add(
            format!("REDUCE(['x', {text}], '', (s, e) -> s || e || '{letter}')::VARCHAR"),
            Kind::Text,
        );
    }
    add(format!("(SELECT COUNT(*) FROM few s WHERE s.k = {number})"), Kind::Number);
    add(format!("(SELECT {number})"), Kind::Number);
    add(format!("EXISTS (SELECT 1 FROM few s WHERE s.g = {text})::INT"), Kind::Number);
    for (null, kind) in
        [("NULL::INT", Kind::Number), ("NULL::VARCHAR", Kind::Text), ("NULL::DATE", Kind::Date)]
    {
        add(null.to_string(), kind);
    }
    let filter = writer.condition(&seen, 1);
    (format!("SELECT {} FROM {from} WHERE {filter}", items.join(", ")), columns)
}

/// Sums of one column for some values of another, in the rows of what is left.
fn pivot(numbers: &mut Numbers, columns: &[Seen]) -> String {
    let all: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let number = |numbers: &mut Numbers| numbers.one_of(&["c0", "c1", "c4", "c5", "c10", "c11"]);
    let (summed, by) = (number(numbers), number(numbers));
    if summed == by {
        return format!("SELECT {} FROM {SOURCE}", all.join(", "));
    }
    let kept = [numbers.one_of(&all), numbers.one_of(&all)];
    let mut shown = vec![summed, by];
    kept.into_iter().for_each(|name| {
        if !shown.contains(&name) {
            shown.push(name);
        }
    });
    format!(
        "SELECT * FROM (SELECT {} FROM {SOURCE}) PIVOT (SUM({summed}) FOR {by} IN (0, 1, 2, 5))",
        shown.join(", ")
    )
}

/// Some columns of a kind as rows.
fn unpivot(numbers: &mut Numbers, columns: &[Seen]) -> String {
    let mut turned: Vec<&str> = vec!["c0", "c1", "c10"];
    turned.truncate(1 + numbers.below(3));
    let other = numbers.one_of(columns);
    let kept = if turned.contains(&other.name.as_str()) { "c3" } else { &other.name };
    let cast: Vec<String> = turned.iter().map(|name| format!("{name}::INT AS {name}")).collect();
    format!(
        "SELECT * FROM (SELECT {}, {kept} AS one, {kept} AS other FROM {SOURCE}) UNPIVOT (v FOR n IN ({}))",
        cast.join(", "),
        turned.join(", ")
    )
}

/// A lateral query that puts out columns of the row that it is asked for.
fn lateral(writer: &mut Writer<'_>, columns: &[Seen]) -> String {
    let name = writer.numbers.one_of(columns).name;
    let tie = writer.of_kind(columns, Kind::Number);
    let grouped = writer.numbers.once_in(2);
    let (items, group) = match grouped {
        true => ("COUNT(*) AS n", ""),
        false => ("s.x AS n", " ORDER BY s.x DESC, s.id LIMIT 1"),
    };
    format!(
        "SELECT o.c0, l.* FROM {SOURCE} o, LATERAL (SELECT o.{name} AS a, o.{name} AS b, {items} \
         FROM several s WHERE s.k = o.{tie}{group}) l"
    )
}
