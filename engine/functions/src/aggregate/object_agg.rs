//! OBJECT_AGG: the keys and values of a group as one object.

use firn_column::Column;
use firn_column::kernels::forms::without_dictionary;
use firn_types::variant::Variant;
use firn_types::{Result, SqlType};

use super::array_agg::{ValueList, build_all};
use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction};
use crate::driver::{blobs, texts};
use crate::{Arity, Documentation, Example, accept};

/// OBJECT_AGG(key, value)
pub(crate) const OBJECT_AGG: AggregateFunction = AggregateFunction::new(
    "OBJECT_AGG",
    Arity::exactly(2),
    |arguments| {
        let key = accept::text("OBJECT_AGG", arguments, 0)?;
        AggregateBinding::new(vec![key, SqlType::Variant], SqlType::Object, || {
            Folded::new(ObjectAgg)
        })
    },
    Documentation::of(
        "Semi-structured",
        "An object of the keys and values of all rows without a NULL in them.",
        &[Example::of("TO_JSON(OBJECT_AGG('a', 1))", "{\"a\":1}")],
    ),
);

struct ObjectAgg;

/// The keys and values of one group.
#[derive(Default)]
struct Pairs {
    keys: Vec<Box<str>>,
    values: ValueList,
}

impl Fold for ObjectAgg {
    type State = Pairs;

    fn start(&self) -> Pairs {
        Pairs::default()
    }

    fn update(
        &self,
        states: &mut [Pairs],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let (keys, values) = (without_dictionary(&arguments[0]), without_dictionary(&arguments[1]));
        let (keys, values) = (texts(&keys)?, blobs(&values)?);
        for (row, &group) in groups.iter().enumerate() {
            if keys.is_null(row) || values.is_null(row) {
                continue;
            }
            let state = &mut states[group as usize];
            let key = keys.get(row);
            state.keys.push(key.into());
            *heap += state.values.push(values.get(row)) + key.len() + size_of::<Box<str>>();
        }
        Ok(())
    }

    fn merge(&self, into: &mut Pairs, from: Pairs) -> Result<()> {
        into.keys.extend(from.keys);
        into.values.append(&from.values);
        Ok(())
    }

    fn finish(&self, states: Vec<Pairs>) -> Result<Column> {
        build_all(&states, |state, out| {
            out.begin_object()?;
            for (key, value) in state.keys.iter().zip(state.values.iter()) {
                out.key(key);
                out.copy(Variant::new(value))?;
            }
            out.end_object()
        })
    }
}
