//! ARRAY_AGG, ARRAY_UNIQUE_AGG and ARRAY_UNION_AGG: the values of a group as one array.

use arrow::array::BinaryViewBuilder;
use firn_column::kernels::forms::without_dictionary;
use firn_column::{Array, Column};
use firn_types::variant::{Builder, Variant, compare};
use firn_types::{Result, SqlType, TypeFamily};
use hashbrown::HashMap;

use super::grouped::{Fold, Folded};
use super::{AggregateBinding, AggregateFunction};
use crate::driver::blobs;
use crate::signature::wrong_types;
use crate::{Arity, Documentation, Example};

const CATEGORY: &str = "Semi-structured";

/// ARRAY_AGG(value)
pub(crate) const ARRAY_AGG: AggregateFunction = AggregateFunction::new(
    "ARRAY_AGG",
    Arity::exactly(1),
    |_| AggregateBinding::new(vec![SqlType::Variant], SqlType::Array, || Folded::new(ArrayAgg)),
    Documentation::of(
        CATEGORY,
        "The values that are not NULL, as one array.",
        &[
            Example::of("TO_JSON(ARRAY_AGG('a'))", "[\"a\"]"),
            Example::of("TO_JSON(ARRAY_AGG(NULL))", "[]"),
        ],
    ),
)
.with_aliases(&["ARRAYAGG"])
.with_distinct()
.with_order();

/// ARRAY_UNIQUE_AGG(value)
pub(crate) const ARRAY_UNIQUE_AGG: AggregateFunction = AggregateFunction::new(
    "ARRAY_UNIQUE_AGG",
    Arity::exactly(1),
    |_| {
        let create = || Folded::new(Union { arrays: false });
        AggregateBinding::new(vec![SqlType::Variant], SqlType::Array, create)
    },
    Documentation::of(
        CATEGORY,
        "The different values that are not NULL, as one array.",
        &[Example::of("TO_JSON(ARRAY_UNIQUE_AGG(1))", "[1]")],
    ),
);

/// ARRAY_UNION_AGG(array)
pub(crate) const ARRAY_UNION_AGG: AggregateFunction = AggregateFunction::new(
    "ARRAY_UNION_AGG",
    Arity::exactly(1),
    |arguments| {
        let given = arguments[0].sql_type.family();
        if !matches!(given, TypeFamily::Array | TypeFamily::Variant | TypeFamily::Null) {
            return Err(wrong_types("ARRAY_UNION_AGG", arguments));
        }
        let create = || Folded::new(Union { arrays: true });
        AggregateBinding::new(vec![SqlType::Array], SqlType::Array, create)
    },
    Documentation::of(
        CATEGORY,
        "The elements of all arrays as one, each as often as in the array that has it most often.",
        &[Example::of("TO_JSON(ARRAY_UNION_AGG(ARRAY_CONSTRUCT(1, 1, 2)))", "[1,1,2]")],
    ),
);

/// Encoded values one after another.
#[derive(Debug, Default)]
pub(super) struct ValueList {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl ValueList {
    /// Appends an encoded value, and gives the bytes that the list grew by.
    pub(super) fn push(&mut self, value: &[u8]) -> usize {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
        value.len() + size_of::<usize>()
    }

    /// Appends all values of another list.
    pub(super) fn append(&mut self, other: &ValueList) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| before + end));
    }

    /// The encoded values.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }
}

/// One array or object for each state.
pub(super) fn build_all<S>(
    states: &[S],
    mut build: impl FnMut(&S, &mut Builder) -> Result<()>,
) -> Result<Column> {
    let mut answers = BinaryViewBuilder::with_capacity(states.len());
    let (mut builder, mut bytes) = (Builder::new(), Vec::new());
    for state in states {
        build(state, &mut builder)?;
        bytes.clear();
        builder.finish(&mut bytes)?;
        answers.append_value(&bytes);
    }
    Ok(Column::Flat(Array::Bytes(answers.finish())))
}

struct ArrayAgg;

impl Fold for ArrayAgg {
    type State = ValueList;

    fn start(&self) -> ValueList {
        ValueList::default()
    }

    fn update(
        &self,
        states: &mut [ValueList],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let column = without_dictionary(&arguments[0]);
        let values = blobs(&column)?;
        for (row, &group) in groups.iter().enumerate() {
            if !values.is_null(row) {
                *heap += states[group as usize].push(values.get(row));
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut ValueList, from: ValueList) -> Result<()> {
        into.append(&from);
        Ok(())
    }

    fn finish(&self, states: Vec<ValueList>) -> Result<Column> {
        build_all(&states, |values, out| {
            out.begin_array()?;
            values.iter().try_for_each(|value| out.copy(Variant::new(value)))?;
            out.end_array()
        })
    }
}

/// The different values of a group in the order in which they came, each with how often it counts.
#[derive(Default)]
struct Multiset {
    /// Sort key to place in `counts`.
    places: HashMap<Box<[u8]>, u32, rapidhash::fast::RandomState>,
    values: ValueList,
    counts: Vec<u32>,
}

impl Multiset {
    /// Raises a value's count to `count`; gives the bytes that the set grew by.
    fn raise(&mut self, key: &[u8], value: &[u8], count: u32) -> usize {
        if let Some(&place) = self.places.get(key) {
            let known = &mut self.counts[place as usize];
            *known = (*known).max(count);
            return 0;
        }
        self.places.insert(key.into(), self.counts.len() as u32);
        self.counts.push(count);
        self.values.push(value) + key.len() + size_of::<(Box<[u8]>, u32)>()
    }
}

/// The union of values, or of the multisets that arrays are.
struct Union {
    arrays: bool,
}

impl Union {
    fn add_array(
        &self,
        state: &mut Multiset,
        array: &[u8],
        scratch: &mut Scratch,
    ) -> Result<usize> {
        let mut grown = 0;
        let Some(elements) = Variant::new(array).as_array() else { return Ok(0) };
        let mut here: HashMap<Vec<u8>, u32> = HashMap::new();
        for element in elements.iter().filter(|element| !element.is_undefined()) {
            scratch.key.clear();
            compare::sort_key(element, &mut scratch.key);
            let count = here.entry_ref(scratch.key.as_slice()).or_insert(0);
            *count += 1;
            scratch.value.clear();
            scratch.builder.extract(element, &mut scratch.value)?;
            grown += state.raise(&scratch.key, &scratch.value, *count);
        }
        Ok(grown)
    }
}

#[derive(Default)]
struct Scratch {
    key: Vec<u8>,
    value: Vec<u8>,
    builder: Builder,
}

impl Fold for Union {
    type State = Multiset;

    fn start(&self) -> Multiset {
        Multiset::default()
    }

    fn update(
        &self,
        states: &mut [Multiset],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let column = without_dictionary(&arguments[0]);
        let values = blobs(&column)?;
        let mut scratch = Scratch::default();
        for (row, &group) in groups.iter().enumerate() {
            if values.is_null(row) {
                continue;
            }
            let (state, value) = (&mut states[group as usize], values.get(row));
            if self.arrays {
                *heap += self.add_array(state, value, &mut scratch)?;
            } else {
                scratch.key.clear();
                compare::sort_key(Variant::new(value), &mut scratch.key);
                *heap += state.raise(&scratch.key, value, 1);
            }
        }
        Ok(())
    }

    fn merge(&self, into: &mut Multiset, from: Multiset) -> Result<()> {
        let mut key = Vec::new();
        for (value, &count) in from.values.iter().zip(&from.counts) {
            key.clear();
            compare::sort_key(Variant::new(value), &mut key);
            into.raise(&key, value, count);
        }
        Ok(())
    }

    fn finish(&self, states: Vec<Multiset>) -> Result<Column> {
        build_all(&states, |state, out| {
            out.begin_array()?;
            for (value, &count) in state.values.iter().zip(&state.counts) {
                (0..count).try_for_each(|_| out.copy(Variant::new(value)))?;
            }
            out.end_array()
        })
    }
}

#[cfg(test)]
mod tests {
    use firn_types::Value;
    use firn_types::variant::{JsonReader, JsonWriter, PlainText};

    use super::*;
    use crate::Argument;
    use crate::aggregate::object_agg::OBJECT_AGG;

    fn json(texts: &[&str]) -> Result<Column> {
        let values = texts.iter().map(|text| {
            let mut bytes = Vec::new();
            let found = JsonReader::default().read(text, &mut bytes)?;
            Ok(if found { Value::Variant(bytes.into()) } else { Value::Null })
        });
        Column::from_values(SqlType::Variant, &values.collect::<Result<Vec<_>>>()?)
    }

    /// The answers of two groups, of which the second also gets all rows of a merged accumulator.
    fn run(
        function: &AggregateFunction,
        arguments: &[Column],
        groups: &[u32],
    ) -> Result<[String; 2]> {
        let given = vec![Argument::of(SqlType::Variant); arguments.len()];
        let binding = (function.bind)(&given)?;
        let mut first = (binding.create)();
        first.resize(2);
        first.update(groups, arguments)?;
        let mut second = (binding.create)();
        second.resize(2);
        second.update(groups, arguments)?;
        let nothing = (binding.create)();
        second.merge(nothing, &[])?;
        first.merge(second, &[1, 1])?;
        let answer = first.finish()?;
        Ok([0, 1].map(|row| match answer.value(row, binding.returns) {
            Value::Variant(bytes) => JsonWriter::compact(&PlainText).text(Variant::new(&bytes)),
            other => format!("{other:?}"),
        }))
    }

    #[test]
    fn values_are_collected_and_nulls_left_out() -> Result<()> {
        let values = json(&["1", "", "\"x\"", "null", "1.0"])?;
        let answer = run(&ARRAY_AGG, std::slice::from_ref(&values), &[0, 0, 0, 1, 1])?;
        assert_eq!(answer, ["[1,\"x\"]", "[null,1,1,\"x\",null,1]"]);
        let answer = run(&ARRAY_UNIQUE_AGG, &[values], &[0, 0, 0, 0, 0])?;
        assert_eq!(answer, ["[1,\"x\",null]", "[1,\"x\",null]"]);
        assert_eq!(run(&ARRAY_AGG, &[json(&[])?], &[])?, ["[]", "[]"]);
        Ok(())
    }

    #[test]
    fn arrays_unite_as_multisets() -> Result<()> {
        let arrays = json(&["[1,1,2]", "[1,3,,3,3]", ""])?;
        let answer = run(&ARRAY_UNION_AGG, &[arrays], &[0, 0, 0])?;
        assert_eq!(answer[0], "[1,1,2,3,3,3]");
        assert!((ARRAY_UNION_AGG.bind)(&[Argument::of(SqlType::INTEGER)]).is_err());
        Ok(())
    }

    #[test]
    fn keys_and_values_become_an_object() -> Result<()> {
        let keys = ["b", "a", "c"].map(Value::text);
        let keys = Column::from_values(SqlType::TEXT, keys.iter().chain([&Value::Null]))?;
        let values = json(&["1", "null", "", "4"])?;
        let binding =
            (OBJECT_AGG.bind)(&[Argument::of(SqlType::TEXT), Argument::of(SqlType::Variant)])?;
        let mut groups = (binding.create)();
        groups.resize(2);
        groups.update(&[0, 0, 0, 0], &[keys.clone(), values.clone()])?;
        let answer = groups.finish()?;
        let shown = [0, 1].map(|row| match answer.value(row, SqlType::Object) {
            Value::Variant(bytes) => JsonWriter::compact(&PlainText).text(Variant::new(&bytes)),
            other => format!("{other:?}"),
        });
        assert_eq!(shown, ["{\"a\":null,\"b\":1}", "{}"]);
        let error = run(&OBJECT_AGG, &[keys, values], &[1, 1, 1, 1]).unwrap_err();
        assert_eq!(error.detail(), "Duplicate field key 'a'");
        Ok(())
    }
}
