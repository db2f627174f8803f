//! FLATTEN: one row for each element of an array or field of an object.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{BinaryViewBuilder, Int64Array, StringViewBuilder, UInt32Array};
use firn_column::kernels::forms::without_dictionary;
use firn_column::{Array, Column};
use firn_types::variant::{Builder, Path, Variant};
use firn_types::{Error, ErrorCode, Field, Result, SqlType, Value};

use super::{CATEGORY, TableBinding, TableFunction};
use crate::driver::blobs;
use crate::signature::wrong_types;
use crate::{Argument, Documentation};

/// FLATTEN(INPUT [, PATH] [, OUTER] [, RECURSIVE] [, MODE])
pub(super) const FLATTEN: TableFunction = TableFunction {
    name: "FLATTEN",
    documentation: Documentation::of(
        CATEGORY,
        "One row for each element of an array or field of an object.",
        &[],
    ),
    parameters: &["INPUT", "PATH", "OUTER", "RECURSIVE", "MODE"],
    bind,
};

/// What the arguments beside the input ask for.
#[derive(Clone, Debug, Default)]
struct Plan {
    path: Path,
    outer: bool,
    recursive: bool,
    objects: bool,
    arrays: bool,
}

fn bind(arguments: &[Argument]) -> Result<TableBinding> {
    let input = match arguments.first().map(|argument| argument.sql_type) {
        Some(given) if given.is_semi_structured() => given,
        Some(SqlType::Null) => SqlType::Variant,
        _ => return Err(wrong_types("FLATTEN", arguments)),
    };
    let path = match constant(arguments, 1)? {
        Some(Value::Text(path)) => Path::parse(path)?,
        None => Path::default(),
        Some(_) => return Err(wrong_types("FLATTEN", arguments)),
    };
    let mode = match constant(arguments, 4)? {
        Some(Value::Text(mode)) => mode.to_uppercase(),
        None => "BOTH".to_string(),
        Some(_) => return Err(wrong_types("FLATTEN", arguments)),
    };
    if !matches!(mode.as_str(), "BOTH" | "OBJECT" | "ARRAY") {
        let message = format!("invalid value [{mode}] for parameter 'MODE'");
        return Err(Error::new(ErrorCode::InvalidParameterValue, message));
    }
    let plan = Plan {
        path,
        outer: flag(arguments, 2)?,
        recursive: flag(arguments, 3)?,
        objects: mode != "ARRAY",
        arrays: mode != "OBJECT",
    };
    // Rows of several batches must not share a number.
    let sequence = AtomicI64::new(1);
    Ok(TableBinding {
        arguments: [input, SqlType::TEXT, SqlType::Boolean, SqlType::Boolean, SqlType::TEXT]
            .into_iter()
            .take(arguments.len())
            .collect(),
        fields: vec![
            Field::new("SEQ", SqlType::INTEGER).required(),
            Field::new("KEY", SqlType::TEXT),
            Field::new("PATH", SqlType::TEXT),
            Field::new("INDEX", SqlType::INTEGER),
            Field::new("VALUE", SqlType::Variant),
            Field::new("THIS", SqlType::Variant),
        ],
        kernel: Arc::new(move |call, columns| {
            let first = sequence.fetch_add(call.rows as i64, Ordering::Relaxed);
            flatten(&plan, first, call.rows, &columns[0])
        }),
    })
}

/// The constant at a position; none where it is absent or NULL.
fn constant(arguments: &[Argument], position: usize) -> Result<Option<&Value>> {
    match arguments.get(position).map(|argument| &argument.constant) {
        None | Some(Some(Value::Null)) => Ok(None),
        Some(Some(value)) => Ok(Some(value)),
        Some(None) => Err(Error::new(
            ErrorCode::ConstantArgument,
            format!("argument {} to function FLATTEN needs to be constant", position + 1),
        )),
    }
}

fn flag(arguments: &[Argument], position: usize) -> Result<bool> {
    match constant(arguments, position)? {
        Some(Value::Boolean(value)) => Ok(*value),
        None => Ok(false),
        Some(_) => Err(wrong_types("FLATTEN", arguments)),
    }
}

fn flatten(
    plan: &Plan,
    first: i64,
    rows: usize,
    input: &Column,
) -> Result<(Vec<u32>, Vec<Column>)> {
    let input = without_dictionary(input);
    let values = blobs(&input)?;
    let mut out = Output { first, ..Output::new(plan) };
    let start = plan.path.to_string();
    for row in 0..rows {
        out.row = row as u32;
        let whole = (!values.is_null(row)).then(|| Variant::new(values.get(row)));
        let value = whole.and_then(|value| value.walk(&plan.path.steps));
        let before = out.rows.len();
        if let Some(value) = value {
            out.path.clone_from(&start);
            out.expand(value)?;
        }
        if plan.outer && out.rows.len() == before {
            out.empty(value, &start)?;
        }
    }
    out.finish()
}

/// The rows so far.
struct Output<'a> {
    plan: &'a Plan,
    /// The sequence number of row 0.
    first: i64,
    row: u32,
    /// The way to where we are.
    path: String,
    builder: Builder,
    bytes: Vec<u8>,
    rows: Vec<u32>,
    keys: StringViewBuilder,
    paths: StringViewBuilder,
    indices: Vec<Option<i64>>,
    values: BinaryViewBuilder,
    /// The containers, once each, and which of them each row came from.
    containers: BinaryViewBuilder,
    container_count: u32,
    this: Vec<Option<u32>>,
}

impl<'a> Output<'a> {
    fn new(plan: &'a Plan) -> Output<'a> {
        Output {
            plan,
            first: 1,
            row: 0,
            path: String::new(),
            builder: Builder::new(),
            bytes: Vec::new(),
            rows: Vec::new(),
            keys: StringViewBuilder::new(),
            paths: StringViewBuilder::new(),
            indices: Vec::new(),
            values: BinaryViewBuilder::new(),
            containers: BinaryViewBuilder::new(),
            container_count: 0,
            this: Vec::new(),
        }
    }

    /// One row for each member of a container, parents before children. The depth is that of the value,
    /// which is bounded.
    fn expand(&mut self, container: Variant<'_>) -> Result<()> {
        let length = self.path.len();
        if let Some(elements) = container.as_array().filter(|_| self.plan.arrays) {
            if elements.is_empty() {
                return Ok(());
            }
            let this = self.container(container)?;
            for (index, value) in elements.iter().enumerate() {
                if !value.is_undefined() {
                    Path::append_index(&mut self.path, index as i64);
                    self.keys.append_null();
                    self.member(value, Some(index as i64), this)?;
                    self.path.truncate(length);
                }
            }
        } else if let Some(fields) = container.as_object().filter(|_| self.plan.objects) {
            if fields.is_empty() {
                return Ok(());
            }
            let this = self.container(container)?;
            for (key, value) in fields.iter() {
                Path::append_key(&mut self.path, key);
                self.keys.append_value(key);
                self.member(value, None, this)?;
                self.path.truncate(length);
            }
        }
        Ok(())
    }

    fn member(&mut self, value: Variant<'_>, index: Option<i64>, this: u32) -> Result<()> {
        self.rows.push(self.row);
        self.paths.append_value(&self.path);
        self.indices.push(index);
        self.bytes.clear();
        self.builder.extract(value, &mut self.bytes)?;
        self.values.append_value(&self.bytes);
        self.this.push(Some(this));
        if self.plan.recursive && value.is_container() {
            self.expand(value)?;
        }
        Ok(())
    }

    fn container(&mut self, value: Variant<'_>) -> Result<u32> {
        self.bytes.clear();
        self.builder.extract(value, &mut self.bytes)?;
        self.containers.append_value(&self.bytes);
        self.container_count += 1;
        Ok(self.container_count - 1)
    }

    /// The one row of OUTER for a row without members.
    fn empty(&mut self, value: Option<Variant<'_>>, path: &str) -> Result<()> {
        self.rows.push(self.row);
        self.keys.append_null();
        self.indices.push(None);
        self.values.append_null();
        self.paths.append_option(value.map(|_| path));
        let this = value.map(|value| self.container(value)).transpose()?;
        self.this.push(this);
        Ok(())
    }

    fn finish(mut self) -> Result<(Vec<u32>, Vec<Column>)> {
        let sequence = self.rows.iter().map(|&row| self.first + i64::from(row));
        let sequence = Int64Array::from_iter_values(sequence);
        let this = Column::Dictionary {
            codes: UInt32Array::from(self.this),
            values: Arc::new(Array::Bytes(self.containers.finish())),
        };
        let columns = vec![
            Column::Flat(Array::I64(sequence)),
            Column::Flat(Array::Text(self.keys.finish())),
            Column::Flat(Array::Text(self.paths.finish())),
            Column::Flat(Array::I64(Int64Array::from(self.indices))),
            Column::Flat(Array::Bytes(self.values.finish())),
            this,
        ];
        Ok((self.rows, columns))
    }
}

#[cfg(test)]
mod tests {
    use firn_types::variant::{JsonReader, JsonWriter, PlainText};

    use super::*;
    use crate::{Call, FunctionContext};

    fn json(text: &str) -> Value {
        let mut bytes = Vec::new();
        match JsonReader::default().read(text, &mut bytes).unwrap() {
            true => Value::Variant(bytes.into()),
            false => Value::Null,
        }
    }

    /// The rows as texts: key, path, index, value, this.
    fn run(input: &[&str], options: [Value; 4]) -> Result<Vec<String>> {
        let input: Vec<Value> = input.iter().map(|text| json(text)).collect();
        let constants = options
            .into_iter()
            .map(|value| Argument { constant: Some(value), ..Argument::of(SqlType::Null) });
        let arguments: Vec<Argument> =
            std::iter::once(Argument::of(SqlType::Variant)).chain(constants).collect();
        let binding = bind(&arguments)?;
        let context = FunctionContext::default();
        let call = Call {
            rows: input.len(),
            returns: SqlType::Null,
            arguments: &binding.arguments,
            context: &context,
        };
        let column = Column::from_values(SqlType::Variant, &input)?;
        let (rows, columns) = (binding.kernel)(&call, &[column])?;
        Ok((0..rows.len())
            .map(|row| {
                let cell = |position: usize| {
                    let field: &Field = &binding.fields[position];
                    match columns[position].value(row, field.sql_type) {
                        Value::Null => "-".to_string(),
                        Value::Text(text) => text.to_string(),
                        Value::Number(number) => number.unscaled.to_string(),
                        Value::Variant(v) => JsonWriter::compact(&PlainText).text(Variant::new(&v)),
                        other => format!("{other:?}"),
                    }
                };
                (0..6).map(cell).collect::<Vec<_>>().join(" ")
            })
            .collect())
    }

    const NONE: [Value; 4] = [Value::Null, Value::Null, Value::Null, Value::Null];

    #[test]
    fn members_become_rows_and_undefined_ones_do_not() -> Result<()> {
        let rows = run(&["[1, ,77]", "", "5", "{\"b\":[],\"a b\":null}"], NONE)?;
        let expected = [
            "1 - [0] 0 1 [1,undefined,77]",
            "1 - [2] 2 77 [1,undefined,77]",
            "4 a b ['a b'] - null {\"a b\":null,\"b\":[]}",
            "4 b b - [] {\"a b\":null,\"b\":[]}",
        ];
        assert_eq!(rows, expected);
        Ok(())
    }

    #[test]
    fn outer_keeps_rows_without_members() -> Result<()> {
        let mut options = NONE;
        options[1] = Value::Boolean(true);
        let rows = run(&["[]", "", "[1]"], options)?;
        assert_eq!(rows, ["1 -  - - []", "2 - - - - -", "3 - [0] 0 1 [1]"]);
        Ok(())
    }

    #[test]
    fn recursive_visits_parents_before_children() -> Result<()> {
        let mut options = NONE;
        options[2] = Value::Boolean(true);
        let rows = run(&["{\"a\":1,\"b\":[77,88],\"c\":{\"d\":\"X\"}}"], options.clone())?;
        let paths: Vec<&str> = rows.iter().filter_map(|row| row.split(' ').nth(2)).collect();
        assert_eq!(paths, ["a", "b", "b[0]", "b[1]", "c", "c.d"]);
        options[3] = Value::text("object");
        assert_eq!(run(&["{\"b\":[77],\"c\":{\"d\":1}}"], options)?.len(), 3);
        Ok(())
    }

    #[test]
    fn a_path_leads_to_what_is_flattened() -> Result<()> {
        let mut options = NONE;
        options[0] = Value::text("b");
        let rows = run(&["{\"a\":1,\"b\":[77,88]}"], options)?;
        assert_eq!(rows, ["1 - b[0] 0 77 [77,88]", "1 - b[1] 1 88 [77,88]"]);
        Ok(())
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(bind(&[Argument::of(SqlType::TEXT)]).is_err());
        let mode = [Value::Null, Value::Null, Value::Null, Value::text("none")];
        let error = run(&["[]"], mode).unwrap_err();
        assert_eq!(error.detail(), "invalid value [NONE] for parameter 'MODE'");
        let arguments = [Argument::of(SqlType::Variant), Argument::of(SqlType::TEXT)];
        assert_eq!(bind(&arguments).unwrap_err().code(), ErrorCode::ConstantArgument);
    }
}
