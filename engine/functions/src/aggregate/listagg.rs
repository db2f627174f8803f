//! LISTAGG: the texts of a group one after another.

use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::limits::VALUE_BYTES_MAX;
use firn_types::{Error, ErrorCode, Result, SqlType};

use super::grouped::{Fold, Folded};
use super::min_max::bytes_column;
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::driver::texts;
use crate::{Argument, Arity, Documentation, Example, accept};

/// LISTAGG(text [, delimiter])
pub(crate) const LISTAGG: AggregateFunction = AggregateFunction::new(
    "LISTAGG",
    Arity::between(1, 2),
    bind,
    Documentation::of(
        CATEGORY,
        "The texts that are not NULL one after another, with a delimiter between; '' for none.",
        &[Example::of("LISTAGG('a', ',')", "a"), Example::of("LISTAGG(NULL) = ''", "True")],
    ),
)
.with_distinct()
.with_order();

fn bind(arguments: &[Argument]) -> Result<AggregateBinding> {
    let mut types = Vec::new();
    for position in 0..arguments.len() {
        types.push(accept::text("LISTAGG", arguments, position)?);
    }
    let delimiter = match arguments.get(1) {
        None => "",
        Some(_) => accept::constant_text(arguments, 1).ok_or_else(|| {
            let text = "argument 2 to function LISTAGG needs to be constant";
            Error::new(ErrorCode::ConstantArgument, text)
        })?,
    };
    let delimiter = delimiter.to_string();
    AggregateBinding::new(types, SqlType::TEXT, move || {
        Folded::new(List { delimiter: delimiter.clone() })
    })
}

struct List {
    delimiter: String,
}

impl List {
    fn push(&self, list: &mut Option<Vec<u8>>, text: &[u8]) -> Result<()> {
        match list {
            None => *list = Some(text.to_vec()),
            Some(list) => {
                list.extend_from_slice(self.delimiter.as_bytes());
                list.extend_from_slice(text);
                if list.len() > VALUE_BYTES_MAX {
                    let start: String =
                        String::from_utf8_lossy(&list[..64.min(list.len())]).into_owned();
                    let text = format!("String '{start}...' is too long and would be truncated");
                    return Err(Error::new(ErrorCode::StringTooLong, text));
                }
            }
        }
        Ok(())
    }
}

impl Fold for List {
    type State = Option<Vec<u8>>;

    fn start(&self) -> Self::State {
        None
    }

    fn update(
        &self,
        states: &mut [Self::State],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let column = without_dictionary(&arguments[0]);
        let text = texts(&column)?;
        for (row, &group) in groups.iter().enumerate() {
            if !text.is_null(row) {
                *heap += text.get(row).len() + self.delimiter.len();
                self.push(&mut states[group as usize], text.get(row).as_bytes())?;
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Self::State, from: Self::State) -> Result<()> {
        from.map_or(Ok(()), |from| self.push(into, &from))
    }

    fn finish(&self, states: Vec<Self::State>) -> Result<Column> {
        let lists: Vec<_> = states.into_iter().map(|list| Some(list.unwrap_or_default())).collect();
        bytes_column(&lists, SqlType::TEXT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::distinct::distinct;
    use crate::aggregate::ordered::{SortOrder, ordered};
    use firn_types::Value;

    #[test]
    fn texts_come_in_order_and_once() -> Result<()> {
        let delimiter =
            Argument { constant: Some(Value::text("-")), ..Argument::of(SqlType::TEXT) };
        let binding = bind(&[Argument::of(SqlType::TEXT), delimiter])?;
        let order = SortOrder { descending: true, nulls_first: true };
        let binding = ordered(distinct(binding), &[(SqlType::TEXT, order)]);
        assert_eq!(binding.arguments.len(), 3);
        let mut list = (binding.create)();
        list.resize(2);
        let values = ["b", "a", "c", "b"].map(Value::text);
        let mut values = values.to_vec();
        values.push(Value::Null);
        let column = Column::from_values(SqlType::TEXT, &values)?;
        let delimiter = Column::constant(&Value::text("-"), SqlType::TEXT, 5)?;
        list.update(&[1; 5], &[column.clone(), delimiter, column])?;
        let answer = list.finish()?;
        assert_eq!(answer.value(0, SqlType::TEXT), Value::text(""));
        assert_eq!(answer.value(1, SqlType::TEXT), Value::text("c-b-a"));
        Ok(())
    }
}
