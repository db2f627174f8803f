//! MODE, APPROX_TOP_K and its states: the most frequent values.

use firn_column::Column;
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};
use hashbrown::HashMap;

use super::any_value::heap_bytes;
use super::array_agg::build_all;
use super::grouped::{Fold, Folded};
use super::key::{SortOrder, push_key};
use super::state::{AnswerStates, Storable};
use super::{AggregateBinding, AggregateFunction, CATEGORY};
use crate::{Argument, Arity, Documentation, Example, accept};

/// MODE(value)
pub(crate) const MODE: AggregateFunction = AggregateFunction::new(
    "MODE",
    Arity::exactly(1),
    |arguments| {
        let sql_type = arguments[0].sql_type;
        let fold = move || Folded::new(Frequent { sql_type, top: None });
        AggregateBinding::new(vec![sql_type], sql_type, fold)
    },
    Documentation::of(
        CATEGORY,
        "The most frequent of the values that are not NULL.",
        &[Example::of("MODE(3)", "3")],
    ),
);

/// APPROX_TOP_K(value [, count [, counters]])
pub(crate) const APPROX_TOP_K: AggregateFunction = AggregateFunction::new(
    "APPROX_TOP_K",
    Arity::between(1, 3),
    bind_top,
    Documentation::of(
        CATEGORY,
        "The most frequent values with about how often they occur, as an array of pairs.",
        &[Example::of("TO_JSON(APPROX_TOP_K('a'))", "[[\"a\",1]]")],
    ),
);

/// APPROX_TOP_K_ACCUMULATE(value, counters)
pub(crate) const APPROX_TOP_K_ACCUMULATE: AggregateFunction = AggregateFunction::new(
    "APPROX_TOP_K_ACCUMULATE",
    Arity::exactly(2),
    |arguments| bind_states("APPROX_TOP_K_ACCUMULATE", arguments, false),
    Documentation::of(
        CATEGORY,
        "A state from which APPROX_TOP_K_ESTIMATE tells the most frequent values.",
        &[Example::of(
            "TO_JSON(APPROX_TOP_K_ESTIMATE(APPROX_TOP_K_ACCUMULATE('a', 50), 3))",
            "[[\"a\",1]]",
        )],
    ),
);

/// APPROX_TOP_K_COMBINE(state [, counters])
pub(crate) const APPROX_TOP_K_COMBINE: AggregateFunction = AggregateFunction::new(
    "APPROX_TOP_K_COMBINE",
    Arity::between(1, 2),
    |arguments| bind_states("APPROX_TOP_K_COMBINE", arguments, true),
    Documentation::of(CATEGORY, "The state of all rows, from the states of parts of them.", &[]),
);

/// Fewest and most counters that a group keeps.
const COUNTERS_MIN: usize = 1_000;
const COUNTERS_MAX: usize = 100_000;

fn bind_top(arguments: &[Argument]) -> Result<AggregateBinding> {
    let name = "APPROX_TOP_K";
    let mut types = vec![SqlType::Variant];
    let mut numbers = [1, COUNTERS_MIN as i64];
    for position in 1..arguments.len() {
        types.push(accept::integer(name, arguments, position)?);
        let number = accept::constant_integer(arguments, position).filter(|&number| number > 0);
        numbers[position - 1] = number.ok_or_else(|| {
            let text = format!(
                "argument {} to function {name} needs to be constant and positive",
                position + 1
            );
            Error::new(ErrorCode::ConstantArgument, text)
        })?;
    }
    let [count, counters] = numbers.map(|n| usize::try_from(n).unwrap_or(COUNTERS_MAX));
    let counters = counters.max(count).clamp(COUNTERS_MIN, COUNTERS_MAX);
    let fold = move || {
        Folded::new(Frequent { sql_type: SqlType::Variant, top: Some(Top { count, counters }) })
    };
    AggregateBinding::new(types, SqlType::Array, fold)
}

fn bind_states(name: &str, arguments: &[Argument], of_states: bool) -> Result<AggregateBinding> {
    let mut types = vec![SqlType::Variant];
    let mut counters = COUNTERS_MIN;
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
        let given = accept::constant_integer(arguments, 1).filter(|&number| number > 0);
        let given = given.and_then(|given| usize::try_from(given).ok()).ok_or_else(|| {
            let text = format!("argument 2 to function {name} needs to be constant and positive");
            Error::new(ErrorCode::ConstantArgument, text)
        })?;
        counters = given.clamp(COUNTERS_MIN, COUNTERS_MAX);
    }
    let top = Some(Top { count: counters, counters });
    let frequent = move || Frequent { sql_type: SqlType::Variant, top };
    match of_states {
        true => AggregateBinding::new(types, SqlType::Object, move || {
            Folded::new(AnswerStates::of_states(frequent()))
        }),
        false => AggregateBinding::new(types, SqlType::Object, move || {
            Folded::new(AnswerStates::of_values(frequent()))
        }),
    }
}

/// How many values are asked for, and how many are counted at once.
#[derive(Clone, Copy)]
struct Top {
    count: usize,
    counters: usize,
}

struct Frequent {
    sql_type: SqlType,
    top: Option<Top>,
}

/// Each value by its key, with how often it came.
type Counts = HashMap<Vec<u8>, (Value, u64)>;

impl Frequent {
    /// Forgets the rarest values when there are too many.
    fn prune(&self, counts: &mut Counts) {
        let Some(top) = self.top else { return };
        if counts.len() <= 2 * top.counters {
            return;
        }
        let mut numbers: Vec<u64> = counts.values().map(|(_, count)| *count).collect();
        let (_, &mut least, _) =
            numbers.select_nth_unstable_by(top.counters, |left, right| right.cmp(left));
        counts.retain(|_, (_, count)| *count > least);
    }

    /// The values from the most frequent one on; equal ones by their keys.
    fn sorted(counts: Counts) -> Vec<(Value, u64)> {
        let mut values: Vec<_> = counts.into_iter().collect();
        values.sort_by(|(left_key, left), (right_key, right)| {
            right.1.cmp(&left.1).then_with(|| left_key.cmp(right_key))
        });
        values.into_iter().map(|(_, counted)| counted).collect()
    }
}

impl Fold for Frequent {
    type State = Counts;

    fn start(&self) -> Counts {
        Counts::new()
    }

    fn update(
        &self,
        states: &mut [Counts],
        groups: &[u32],
        arguments: &[Column],
        heap: &mut usize,
    ) -> Result<()> {
        let array = arguments[0].flat();
        let column = Column::Flat(array.clone());
        let mut key = Vec::new();
        for (row, &group) in groups.iter().enumerate().filter(|(row, _)| !array.is_null(*row)) {
            key.clear();
            push_key(&array, row, self.sql_type, SortOrder::ASCENDING, &mut key)?;
            let counts = &mut states[group as usize];
            if let Some((_, count)) = counts.get_mut(key.as_slice()) {
                *count += 1;
                continue;
            }
            let value = column.value(row, self.sql_type);
            *heap += entry_bytes(&key, &value);
            counts.insert(key.clone(), (value, 1));
            self.prune(counts);
        }
        Ok(())
    }

    fn merge(&self, into: &mut Counts, from: Counts) -> Result<()> {
        for (key, (value, count)) in from {
            // A state may say any number.
            let (_, known) = into.entry(key).or_insert((value, 0));
            *known = known.saturating_add(count);
        }
        self.prune(into);
        Ok(())
    }

    fn finish(&self, states: Vec<Counts>) -> Result<Column> {
        let Some(top) = self.top else {
            let modes: Vec<Value> = states
                .into_iter()
                .map(|counts| {
                    Frequent::sorted(counts).into_iter().next().map_or(Value::Null, |(v, _)| v)
                })
                .collect();
            return Column::from_values(self.sql_type, &modes);
        };
        let sorted: Vec<_> = states.into_iter().map(Frequent::sorted).collect();
        build_all(&sorted, |values, out| {
            out.begin_array()?;
            write_pairs(values.iter().take(top.count), out)?;
            out.end_array()
        })
    }
}

impl Storable for Frequent {
    fn read(bytes: &[u8]) -> Result<Counts> {
        counts_of(bytes)
    }

    fn write(states: Vec<Counts>) -> Result<Column> {
        let sorted: Vec<_> = states.into_iter().map(Frequent::sorted).collect();
        build_all(&sorted, |values, out| {
            out.begin_object()?;
            out.key("state");
            out.begin_array()?;
            write_pairs(values, out)?;
            out.end_array()?;
            out.key("type");
            out.text("topk");
            out.key("version");
            out.integer(1);
            out.end_object()
        })
    }

    fn heap_bytes(state: &Counts) -> usize {
        state.iter().map(|(key, (value, _))| entry_bytes(key, value)).sum()
    }
}

/// About how many bytes a counted value takes.
fn entry_bytes(key: &[u8], value: &Value) -> usize {
    2 * key.len() + heap_bytes(value) + size_of::<(Value, u64)>()
}

/// Writes values with how often they came as pairs.
fn write_pairs<'v>(
    values: impl IntoIterator<Item = &'v (Value, u64)>,
    out: &mut Builder,
) -> Result<()> {
    for (value, count) in values {
        out.begin_array()?;
        if let Value::Variant(value) = value {
            out.copy(Variant::new(value))?;
        }
        out.integer(i128::from(*count));
        out.end_array()?;
    }
    Ok(())
}

/// The most frequent values of a state, as an array of pairs.
///
/// # Errors
/// `InvalidValue` for what is no state.
pub(crate) fn most_frequent(state: &[u8], count: usize, out: &mut Builder) -> Result<()> {
    let counts = counts_of(state)?;
    out.begin_array()?;
    write_pairs(Frequent::sorted(counts).iter().take(count), out)?;
    out.end_array()
}

fn counts_of(state: &[u8]) -> Result<Counts> {
    let invalid = || {
        let text = "Invalid state: APPROX_TOP_K_ACCUMULATE did not make it";
        Error::new(ErrorCode::InvalidValue, text)
    };
    let pairs = Variant::new(state).get("state").and_then(Variant::as_array);
    let mut counts = Counts::new();
    for pair in pairs.ok_or_else(invalid)?.iter() {
        let (Some(value), Some(count)) = (pair.at(0), pair.at(1)) else { return Err(invalid()) };
        let Item::Number(count) = count.item() else { return Err(invalid()) };
        let count = u64::try_from(count.unscaled).map_err(|_| invalid())?;
        let mut bytes = Vec::new();
        Builder::new().extract(value, &mut bytes)?;
        let value = Value::Variant(bytes.into());
        let array = Column::constant(&value, SqlType::Variant, 1)?.flat();
        let mut key = Vec::new();
        push_key(&array, 0, SqlType::Variant, SortOrder::ASCENDING, &mut key)?;
        counts.insert(key, (value, count));
    }
    Ok(counts)
}
