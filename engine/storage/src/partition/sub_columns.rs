//! Which paths of a micro-partition become columns of its file.

use firn_column::{Batch, Column};
use firn_types::{ColumnPath, Result, SqlType};

use super::{FileColumn, map_all};
use crate::shredding::{FieldPaths, PathGathering, PathTree, TypedPath, extract};

/// Rows of a micro-partition that has sub-columns, at least: of fewer, values are read as fast.
const ROWS_MIN: usize = 1024;
/// Sub-columns of a column, at most.
const SUB_COLUMNS_MAX: usize = 48;
/// A sub-column has a value in at least one row of so many.
const FREQUENT: u64 = 50;

/// What stands at the paths of the semi-structured columns, and those that are stored as columns of their own. These
/// follow the given ones in the list and in the batches.
pub(super) fn sub_columns(
    columns: &mut Vec<FileColumn>,
    batches: &mut [Batch],
    parallel: bool,
) -> Result<Vec<FieldPaths>> {
    let positions = (0..columns.len()).filter(|at| columns[*at].sql_type.has_paths()).collect();
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let given: &[Batch] = batches;
    let gathered = map_all(positions, parallel, |position: usize| {
        let mut gathering = PathGathering::new();
        given.iter().for_each(|batch| gathering.add(batch.column(position)));
        Ok::<_, firn_types::Error>((position, gathering))
    })?;
    let mut found = Vec::with_capacity(gathered.len());
    for (position, gathering) in gathered {
        let field = columns[position].column.field;
        found.push(gathering.finish(field));
        if rows < ROWS_MIN {
            continue;
        }
        let frequent: Vec<TypedPath> = frequent(gathering).collect();
        let given: &[Batch] = batches;
        let values: Vec<Vec<Column>> = map_all(frequent.iter().collect(), parallel, |typed| {
            let sql_type = typed.path_type.sql_type().unwrap_or(SqlType::Null);
            let of_batch = |batch: &Batch| extract(batch.column(position), &typed.path, sql_type);
            given.iter().map(of_batch).collect()
        })?;
        for (typed, values) in frequent.into_iter().zip(values) {
            let Some(sql_type) = typed.path_type.sql_type() else { continue };
            let column = ColumnPath { field, path: Some(typed.path) };
            columns.push(FileColumn::of_path(column, sql_type));
            for (batch, values) in batches.iter_mut().zip(values) {
                let mut with = batch.columns().to_vec();
                with.push(values);
                *batch = Batch::new(with, batch.rows());
            }
        }
    }
    Ok(found)
}

/// Leaves out of the whole values what stands in sub-columns.
pub(super) fn take_apart(
    columns: &[FileColumn],
    batches: &mut [Batch],
    parallel: bool,
) -> Result<()> {
    for (position, column) in columns.iter().enumerate() {
        let field = column.column.field;
        if column.column.path.is_some() || !column.sql_type.has_paths() {
            continue;
        }
        let of_field = columns.iter().filter(|sub_column| sub_column.column.field == field);
        let paths = of_field.filter_map(|sub_column| sub_column.column.path.as_ref());
        let tree = PathTree::new(paths);
        if tree.is_empty() {
            continue;
        }
        let rest = |batch: &Batch| tree.take_apart(batch.column(position));
        let rests = map_all(batches.iter().collect(), parallel, rest)?;
        for (batch, rest) in batches.iter_mut().zip(rests) {
            let mut columns = batch.columns().to_vec();
            columns[position] = rest;
            *batch = Batch::new(columns, batch.rows());
        }
    }
    Ok(())
}

fn frequent(gathering: PathGathering) -> impl Iterator<Item = TypedPath> {
    let rows = gathering.rows();
    let worth = move |typed: &TypedPath| typed.count >= rows / FREQUENT;
    gathering.typed().into_iter().filter(worth).take(SUB_COLUMNS_MAX)
}

#[cfg(test)]
mod tests {
    use firn_column::Array;
    use firn_types::variant::{JsonReader, Variant};
    use firn_types::{FieldId, KeyPath, Value};

    use super::*;
    use crate::{PathType, StoredColumn};

    #[test]
    fn frequent_paths_of_one_type_become_columns() {
        let documents: Vec<String> = (0..2000)
            .map(|n| {
                let rare = if n == 7 { r#", "rare": 1"# } else { "" };
                let drift = if n == 9 { "\"text\"" } else { "1" };
                format!(r#"{{"kind": "k{}", "n": {n}, "drift": {drift}{rare}}}"#, n % 3)
            })
            .collect();
        let value = |document: &String| {
            let mut bytes = Vec::new();
            JsonReader::default().read(document, &mut bytes).expect("JSON");
            Value::Variant(bytes.into())
        };
        let values: Vec<Value> = documents.iter().map(value).collect();
        let values = Column::from_values(SqlType::Variant, &values).expect("values");
        let stored =
            StoredColumn { field: FieldId(3), name: "V".to_string(), sql_type: SqlType::Variant };
        let mut columns = vec![FileColumn::from(&stored)];
        let mut batches = [Batch::new(vec![values], documents.len())];
        let found_paths = sub_columns(&mut columns, &mut batches, false).expect("sub-columns");
        let found: Vec<String> = columns[1..]
            .iter()
            .map(|column| column.column.path.as_ref().expect("a path").to_string())
            .collect();
        assert_eq!(found, ["kind", "n"]);
        assert_eq!(batches[0].columns().len(), 3);
        let at =
            |path: &str| found_paths[0].at(&KeyPath::parse(path)?).map(|values| values.path_type);
        assert_eq!(at("drift"), Some(PathType::Other));
        assert_eq!(at("rare"), Some(PathType::Number { scale: 0, whole_digits: 1 }));
        take_apart(&columns, &mut batches, false).expect("the rest");
        let Array::Bytes(rest) = batches[0].column(0).flat() else { panic!("values") };
        let kept = |row: usize| {
            let fields = Variant::new(rest.value(row)).as_object().expect("an object");
            fields.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            (kept(7), kept(8)),
            (vec!["drift".to_string(), "rare".to_string()], vec!["drift".to_string()])
        );
    }
}
