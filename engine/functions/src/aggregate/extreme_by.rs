//! MIN_BY and MAX_BY: the value of the row with the least or greatest key.

use firn_column::{Array, Column};
use firn_types::variant::{Builder, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::any_value::heap_bytes;
use super::grouped::{Fold, Folded};
use super::key::{SortOrder, push_key};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::{Argument, Arity, Documentation, Example, accept};

/// MIN_BY(value, key [, count])
pub(crate) const MIN_BY: AggregateFunction = AggregateFunction::new(
    "MIN_BY",
    Arity::between(2, 3),
    |arguments| bind("MIN_BY", arguments, false),
    Documentation::of(
        CATEGORY,
        "The value of the row with the least key, or an array of the values of the least keys.",
        &[Example::of("MIN_BY('a', 1)", "a"), Example::of("TO_JSON(MIN_BY('a', 1, 2))", "[\"a\"]")],
    ),
);

/// MAX_BY(value, key [, count])
pub(crate) const MAX_BY: AggregateFunction = AggregateFunction::new(
    "MAX_BY",
    Arity::between(2, 3),
    |arguments| bind("MAX_BY", arguments, true),
    Documentation::of(
        CATEGORY,
        "The value of the row with the greatest key, or an array of those of the greatest keys.",
        &[Example::of("MAX_BY('a', 1)", "a")],
    ),
);

/// Most values that one array may have.
const COUNT_MAX: i64 = 1_000;

fn bind(name: &str, arguments: &[Argument], greatest: bool) -> Result<AggregateBinding> {
    let order = SortOrder { descending: greatest, nulls_first: false };
    let key_type = arguments[1].sql_type;
    if arguments.len() == 2 {
        let value_type = arguments[0].sql_type;
        let fold = move || Folded::new(By { value_type, key_type, order, count: None });
        return AggregateBinding::new(vec![value_type, key_type], value_type, fold);
    }
    let count = accept::constant_integer(arguments, 2)
        .filter(|count| (1..=COUNT_MAX).contains(count))
        .ok_or_else(|| {
            let text = format!(
                "argument 3 to function {name} needs to be a constant from 1 to {COUNT_MAX}"
            );
            Error::new(ErrorCode::ConstantArgument, text)
        })?;
    let types = vec![SqlType::Variant, key_type, accept::integer(name, arguments, 2)?];
    let count = Some(count as usize);
    let value_type = SqlType::Variant;
    let fold = move || Folded::new(By { value_type, key_type, order, count });
    AggregateBinding::new(types, SqlType::Array, fold)
}

struct By {
    value_type: SqlType,
    key_type: SqlType,
    order: SortOrder,
    /// How many values of an array; none for one value as it is.
    count: Option<usize>,
}

/// The best keys with their values, the best one first.
type Best = Vec<(Vec<u8>, Value)>;

impl By {
    /// Where a key belongs, unless enough keys are at least as good.
    fn place(&self, best: &Best, key: &[u8]) -> Option<usize> {
        let count = self.count.unwrap_or(1);
        if best.len() == count && best.last().is_some_and(|(worst, _)| key >= worst.as_slice()) {
            return None;
        }
        Some(best.partition_point(|(better, _)| better.as_slice() <= key))
    }

    fn insert(&self, best: &mut Best, place: usize, key: Vec<u8>, value: Value) {
        best.insert(place, (key, value));
        best.truncate(self.count.unwrap_or(1));
    }
}

impl Fold for By {
    type State = Best;

    fn start(&self) -> Best {
        Vec::new()
    }

    fn update(
        &self,
        states: &mut [Best],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let keys = arguments[1].flat();
        let mut key = Vec::new();
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| !keys.is_null(*row)) {
            key.clear();
            push_key(&keys, row, self.key_type, self.order, &mut key)?;
            let best = &mut states[group as usize];
            if let Some(place) = self.place(best, &key) {
                let value = arguments[0].value(row, self.value_type);
                if best.len() < self.count.unwrap_or(1) {
                    *heap += key.len() + heap_bytes(&value) + size_of::<(Vec<u8>, Value)>();
                }
                self.insert(best, place, key.clone(), value);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Best, from: Best) -> Result<()> {
        for (key, value) in from {
            if let Some(place) = self.place(into, &key) {
                self.insert(into, place, key, value);
            }
        }
        Ok(())
    }

    fn finish(&self, states: Vec<Best>) -> Result<Column> {
        if self.count.is_none() {
            let first =
                |best: Best| best.into_iter().next().map_or(Value::Null, |(_, value)| value);
            let values: Vec<Value> = states.into_iter().map(first).collect();
            return Column::from_values(self.value_type, &values);
        }
        let mut builder = arrow::array::BinaryViewBuilder::with_capacity(states.len());
        let (mut array, mut bytes) = (Builder::new(), Vec::new());
        for best in states {
            array.begin_array()?;
            for (_, value) in best {
                match &value {
                    Value::Variant(value) => array.copy(Variant::new(value))?,
                    _ => array.undefined(),
                }
            }
            array.end_array()?;
            bytes.clear();
            array.finish(&mut bytes)?;
            builder.append_value(&bytes);
        }
        Ok(Column::Flat(Array::Bytes(builder.finish())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_keys_win_and_null_keys_do_not_count() -> Result<()> {
        let by = |greatest| By {
            value_type: SqlType::INTEGER,
            key_type: SqlType::INTEGER,
            order: SortOrder { descending: greatest, nulls_first: false },
            count: Some(2),
        };
        let keys = [Value::integer(5), Value::Null, Value::integer(-1), Value::integer(9)];
        let keys = Column::from_values(SqlType::INTEGER, &keys)?;
        for (greatest, expected) in [(false, [-1, 5]), (true, [9, 5])] {
            let mut states = vec![Vec::new()];
            by(greatest).update(&mut states, &[0; 4], &[keys.clone(), keys.clone()], &mut 0)?;
            let values: Vec<Value> = states.remove(0).into_iter().map(|(_, value)| value).collect();
            assert_eq!(values, expected.map(Value::integer));
        }
        Ok(())
    }
}
