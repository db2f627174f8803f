//! Completion: the words that may stand where someone types.

use firn_account::catalog::{ACCOUNT, Namespace};
use firn_expression::functions::registry;

use crate::session::Session;

/// Words of SQL worth completing.
const KEYWORDS: &[&str] = &[
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "CLONE",
    "CLUSTER",
    "COMMIT",
    "COPY",
    "CREATE",
    "CROSS",
    "DATABASE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FILE",
    "FLATTEN",
    "FORMAT",
    "FROM",
    "FULL",
    "GRANT",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LIST",
    "MATCHED",
    "MERGE",
    "MINUS",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "OVERWRITE",
    "PARTITION",
    "PIVOT",
    "PUT",
    "QUALIFY",
    "REPLACE",
    "RIGHT",
    "ROLLBACK",
    "SCHEMA",
    "SELECT",
    "SET",
    "SHOW",
    "STAGE",
    "TABLE",
    "TEMPORARY",
    "THEN",
    "TRANSIENT",
    "TRUNCATE",
    "UNDROP",
    "UNION",
    "UPDATE",
    "USE",
    "USING",
    "VALUES",
    "VIEW",
    "WAREHOUSE",
    "WHEN",
    "WHERE",
    "WITH",
];

/// Keywords, functions, and names of the current schema that begin with `prefix` in any case.
pub(crate) fn candidates(session: &Session, prefix: &str) -> Vec<String> {
    let upper = prefix.to_uppercase();
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        if name.to_uppercase().starts_with(&upper) {
            found.push(name.to_string());
        }
    };
    KEYWORDS.iter().for_each(|word| add(word));
    registry::names().filter(|name| !name.starts_with('$')).for_each(&mut add);
    let catalog = session.catalog();
    for database in catalog.children(Namespace::Database, ACCOUNT) {
        add(database.name());
        if session.path.database.as_deref() != Some(database.name()) {
            continue;
        }
        for schema in catalog.children(Namespace::Schema, database.id()) {
            add(schema.name());
            if session.path.schema.as_deref() != Some(schema.name()) {
                continue;
            }
            for relation in catalog.children(Namespace::Relation, schema.id()) {
                add(relation.name());
                if let Some(table) = relation.as_table() {
                    table.columns.iter().for_each(|column| add(&column.name));
                }
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
