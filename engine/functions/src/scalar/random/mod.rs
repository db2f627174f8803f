//! Data generation: random values and sequences of integers.
//!
//! Randomness comes from the statement's seed. Each call state has a number of its own and counts its
//! rows, so that two calls differ and batches go on where the last one ended.

use std::sync::atomic::{AtomicU64, Ordering};

use firn_column::{Array, Column};
use firn_types::{Error, ErrorCode, Result, SqlType, Value};

use super::{Call, Kernel, ScalarBinding, ScalarFunction};
use crate::driver::{Output, floats, ints, null_propagating, texts};
use crate::meaning::Meaning;
use crate::{Argument, Arity, Documentation, Example, Volatility, accept};

const CATEGORY: &str = "Data generation";

/// The functions of this folder, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] =
    &[&NORMAL, &RANDOM, &RANDSTR, &SEQ1, &SEQ2, &SEQ4, &SEQ8, &UNIFORM, &UUID_STRING, &ZIPF];

/// RANDOM([seed])
const RANDOM: ScalarFunction = ScalarFunction::new(
    "RANDOM",
    Arity::between(0, 1),
    bind_random,
    Documentation::of(CATEGORY, "A random signed 64-bit number, another one for every row.", &[]),
)
.with_volatility(Volatility::Volatile);

/// UUID_STRING() or UUID_STRING(namespace, name)
const UUID_STRING: ScalarFunction = ScalarFunction::new(
    "UUID_STRING",
    Arity::between(0, 2),
    bind_uuid,
    Documentation::of(
        CATEGORY,
        "A random UUID, or the one that a name has within a namespace.",
        &[Example::of(
            "UUID_STRING('fe971b24-9572-4005-b22f-351e9c09274d', 'foo')",
            "dc0b6f65-fca6-5b4b-9d37-ccc3fde1f3e2",
        )],
    ),
)
.with_volatility(Volatility::Volatile);

/// UNIFORM(least, greatest, generator)
const UNIFORM: ScalarFunction = ScalarFunction::new(
    "UNIFORM",
    Arity::exactly(3),
    bind_uniform,
    Documentation::of(
        CATEGORY,
        "A number between two constants, chosen by a generator such as RANDOM().",
        &[Example::of("UNIFORM(1, 10, 5) BETWEEN 1 AND 10", "True")],
    ),
);

/// NORMAL(mean, deviation, generator)
const NORMAL: ScalarFunction = ScalarFunction::new(
    "NORMAL",
    Arity::exactly(3),
    bind_normal,
    Documentation::of(
        CATEGORY,
        "A number of the normal distribution, chosen by a generator such as RANDOM().",
        &[Example::of("NORMAL(5, 0, 1)", "5")],
    ),
);

/// RANDSTR(length, generator)
const RANDSTR: ScalarFunction = ScalarFunction::new(
    "RANDSTR",
    Arity::exactly(2),
    bind_randstr,
    Documentation::of(
        CATEGORY,
        "A text of letters and digits, chosen by a generator such as RANDOM().",
        &[Example::of("LENGTH(RANDSTR(5, 1234))", "5")],
    ),
);

/// ZIPF(exponent, count, generator)
const ZIPF: ScalarFunction = ScalarFunction::new(
    "ZIPF",
    Arity::exactly(3),
    bind_zipf,
    Documentation::of(
        CATEGORY,
        "A number from 1 to a count of Zipf's distribution, chosen by a generator such as RANDOM().",
        &[
            Example::of("ZIPF(1, 10, 5) BETWEEN 1 AND 10", "True"),
            Example::of("ZIPF(2, 1, 5)", "1"),
        ],
    ),
);

macro_rules! sequence {
    ($constant:ident, $integer:ty, $digits:literal, $summary:literal) => {
        /// A sequence of integers.
        const $constant: ScalarFunction = ScalarFunction::new(
            stringify!($constant),
            Arity::between(0, 1),
            |arguments| {
                bind_sequence(stringify!($constant), arguments, $digits, |number, signed| {
                    let bits = <$integer>::BITS - u32::from(!signed);
                    let kept = u128::from(number) & ((1_u128 << bits) - 1);
                    i64::from(kept as $integer)
                })
            },
            Documentation::of(
                CATEGORY,
                $summary,
                &[Example::of(concat!(stringify!($constant), "()"), "0")],
            ),
        )
        .with_volatility(Volatility::Volatile)
        .with_meaning(Meaning::RowCounter);
    };
}

sequence!(SEQ1, i8, 3, "0, 1, 2 .. for the rows, in one byte; it starts again after 127.");
sequence!(SEQ2, i16, 5, "0, 1, 2 .. for the rows, in two bytes; it starts again after 32767.");
sequence!(
    SEQ4,
    i32,
    10,
    "0, 1, 2 .. for the rows, in four bytes; it starts again after 2147483647."
);
sequence!(SEQ8, i64, 19, "0, 1, 2 .. for the rows, in eight bytes.");

/// A number that looks random for each number: the output function of splitmix64 (Steele, Lea and
/// Flood, 2014).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number from 0 to below 1 for each number.
fn unit(number: u64) -> f64 {
    (mix(number) >> 11) as f64 / (1_u64 << 53) as f64
}

/// One call in a statement: which one it is, and how many rows it has answered.
struct GeneratorState {
    number: u64,
    rows: AtomicU64,
}

impl GeneratorState {
    fn new() -> GeneratorState {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        GeneratorState { number: NEXT.fetch_add(1, Ordering::Relaxed), rows: AtomicU64::new(0) }
    }

    /// The number of the first of the next rows.
    fn take(&self, rows: usize) -> u64 {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed)
    }

    /// Where the call's random numbers start.
    fn base(&self, call: &Call<'_>) -> u64 {
        mix(call.context.seed ^ mix(self.number))
    }
}

fn bind_random(arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    let mut seed = None;
    if !arguments.is_empty() {
        types.push(accept::integer("RANDOM", arguments, 0)?);
        seed = Some(constant(arguments, 0, "RANDOM")?);
    }
    let state = GeneratorState::new();
    let kernel = Kernel::aware(move |call, _| {
        let base = seed.map_or_else(|| state.base(call), |seed| mix(seed as u64));
        let first = state.take(call.rows);
        let numbers = (0..call.rows as u64).map(|row| mix(base ^ mix(first + row)) as i64);
        Ok(Column::Flat(i64::array(numbers.collect(), None)))
    });
    ScalarBinding::new(types, SqlType::number(19, 0), kernel)
}

fn constant(arguments: &[Argument], position: usize, name: &str) -> Result<i64> {
    accept::constant_integer(arguments, position).ok_or_else(|| {
        let text = format!("argument {} to function {name} needs to be constant", position + 1);
        Error::new(ErrorCode::ConstantArgument, text)
    })
}

fn bind_sequence(
    name: &str,
    arguments: &[Argument],
    digits: u8,
    wrap: fn(u64, bool) -> i64,
) -> Result<ScalarBinding> {
    let mut types = Vec::new();
    let mut signed = false;
    if !arguments.is_empty() {
        types.push(accept::integer(name, arguments, 0)?);
        signed = constant(arguments, 0, name)? != 0;
    }
    let state = GeneratorState::new();
    let kernel = Kernel::aware(move |call, _| {
        let first = state.take(call.rows);
        let numbers = (0..call.rows as u64).map(|row| wrap(first + row, signed));
        Ok(Column::Flat(i64::array(numbers.collect(), None)))
    });
    ScalarBinding::new(types, SqlType::number(digits, 0), kernel)
}

fn bind_uniform(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "UNIFORM";
    for (position, argument) in arguments[..2].iter().enumerate() {
        if argument.constant.is_none() {
            constant(arguments, position, name)?;
        }
    }
    let types = [accept::number(name, arguments, 0)?, accept::number(name, arguments, 1)?];
    let generator = accept::integer(name, arguments, 2)?;
    let whole = types.iter().all(|t| matches!(t, SqlType::Number { scale: 0, .. }));
    if whole {
        let kernel = null_propagating(|rows, columns| {
            let (low, high) = (ints(&columns[0])?, ints(&columns[1])?);
            let generator = ints(&columns[2])?;
            rows.map(|at| uniform(low.wide(at), high.wide(at), generator.wide(at)).map(Some))
        });
        let returns = firn_types::coerce::common_type(&types).unwrap_or(SqlType::INTEGER);
        return ScalarBinding::new(vec![types[0], types[1], generator], returns, kernel);
    }
    let kernel = null_propagating(|rows, columns| {
        let (low, high) = (floats(&columns[0])?, floats(&columns[1])?);
        let generator = ints(&columns[2])?;
        rows.map(|at| {
            let (low, high) = (low.get(at), high.get(at));
            Ok(Some(low + (high - low) * unit(generator.wide(at) as u64)))
        })
    });
    ScalarBinding::new(vec![SqlType::Float, SqlType::Float, generator], SqlType::Float, kernel)
}

/// Most numbers that ZIPF chooses from: Snowflake's.
const ZIPF_COUNT_MAX: i64 = 16_777_215;

fn bind_zipf(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "ZIPF";
    let exponent = match arguments[0].constant {
        Some(Value::Number(number)) => number.unscaled as f64 / 10_f64.powi(number.scale.into()),
        Some(Value::Float(float)) => float,
        _ => constant(arguments, 0, name)? as f64,
    };
    let count = constant(arguments, 1, name)?;
    if exponent <= 0.0 || !exponent.is_finite() || !(1..=ZIPF_COUNT_MAX).contains(&count) {
        let text = format!(
            "ZIPF takes an exponent above 0 and a count from 1 to {ZIPF_COUNT_MAX}, not {exponent} \
             and {count}"
        );
        return Err(Error::new(ErrorCode::InvalidValue, text));
    }
    let types = vec![
        accept::float(name, arguments, 0)?,
        accept::integer(name, arguments, 1)?,
        accept::integer(name, arguments, 2)?,
    ];
    // Made when a row first asks for it: a plan may hold many bindings that are never run.
    let sums = std::sync::OnceLock::new();
    let kernel = null_propagating(move |rows, columns| {
        let sums: &Vec<f64> = sums.get_or_init(|| {
            let terms = (1..=count).scan(0.0, |sum, rank| {
                *sum += (rank as f64).powf(-exponent);
                Some(*sum)
            });
            terms.collect()
        });
        let whole = sums.last().copied().unwrap_or(1.0);
        let generator = ints(&columns[2])?;
        rows.map(|at| {
            let wanted = unit(generator.wide(at) as u64) * whole;
            let rank = sums.partition_point(|sum| *sum <= wanted) as i64 + 1;
            Ok(Some(rank.min(count)))
        })
    });
    ScalarBinding::new(types, SqlType::number(18, 0), kernel)
}

fn uniform(low: i128, high: i128, generator: i128) -> Result<i128> {
    let count = high.checked_sub(low).and_then(|span| span.checked_add(1));
    match count.map(u128::try_from) {
        Some(Ok(count)) if count > 0 => {
            let random =
                u128::from(mix(generator as u64)) << 64 | u128::from(mix(!(generator as u64)));
            Ok(low + (random % count) as i128)
        }
        _ => {
            let text = format!("Invalid range of UNIFORM: from {low} to {high}");
            Err(Error::new(ErrorCode::InvalidValue, text))
        }
    }
}

fn bind_normal(arguments: &[Argument]) -> Result<ScalarBinding> {
    let name = "NORMAL";
    let types = vec![
        accept::float(name, arguments, 0)?,
        accept::float(name, arguments, 1)?,
        accept::integer(name, arguments, 2)?,
    ];
    let kernel = null_propagating(|rows, columns| {
        let (mean, deviation) = (floats(&columns[0])?, floats(&columns[1])?);
        let generator = ints(&columns[2])?;
        rows.map(|at| {
            let seed = generator.wide(at) as u64;
            // Box and Muller: two uniform numbers make a normal one.
            let radius = (-2.0 * (1.0 - unit(seed)).ln()).sqrt();
            let angle = std::f64::consts::TAU * unit(!seed);
            Ok(Some(mean.get(at) + deviation.get(at) * radius * angle.cos()))
        })
    });
    ScalarBinding::new(types, SqlType::Float, kernel)
}

fn bind_randstr(arguments: &[Argument]) -> Result<ScalarBinding> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let types =
        vec![accept::integer("RANDSTR", arguments, 0)?, accept::integer("RANDSTR", arguments, 1)?];
    let kernel = null_propagating(|rows, columns| {
        let (length, generator) = (ints(&columns[0])?, ints(&columns[1])?);
        rows.text(|at, out| {
            let length = usize::try_from(length.get(at)).unwrap_or(0);
            crate::driver::check_size(length)?;
            let mut random = generator.wide(at) as u64;
            for _ in 0..length {
                random = mix(random);
                out.push(char::from(LETTERS[(random % 62) as usize]));
            }
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}

fn bind_uuid(arguments: &[Argument]) -> Result<ScalarBinding> {
    let returns = SqlType::varchar(36);
    if arguments.is_empty() {
        let state = GeneratorState::new();
        let kernel = Kernel::aware(move |call, _| {
            let base = state.base(call);
            let first = state.take(call.rows);
            let values: Vec<Value> = (0..call.rows as u64)
                .map(|row| {
                    let half = mix(base ^ mix(first + row));
                    let bits = u128::from(half) << 64 | u128::from(mix(!half ^ base));
                    let uuid = uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid();
                    Value::text(uuid.to_string())
                })
                .collect();
            Column::from_values(SqlType::TEXT, &values)
        });
        return ScalarBinding::new(Vec::new(), returns, kernel);
    }
    crate::signature::check_arity("UUID_STRING", Arity::exactly(2), arguments.len())?;
    let types = vec![
        accept::text("UUID_STRING", arguments, 0)?,
        accept::text("UUID_STRING", arguments, 1)?,
    ];
    ScalarBinding::new(types, returns, null_propagating(named_uuids))
}

fn named_uuids(rows: &crate::driver::Rows<'_>, columns: &[Column]) -> Result<Array> {
    let (namespace, name) = (texts(&columns[0])?, texts(&columns[1])?);
    rows.text(|at, out| {
        let namespace = namespace.get(at);
        let parsed = uuid::Uuid::try_parse(namespace).map_err(|_| {
            Error::new(ErrorCode::InvalidValue, format!("Invalid UUID: '{namespace}'"))
        })?;
        out.push_str(&uuid::Uuid::new_v5(&parsed, name.get(at).as_bytes()).to_string());
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FunctionContext;

    fn column(
        function: &ScalarFunction,
        arguments: &[Argument],
        batches: &[usize],
    ) -> Result<Vec<i128>> {
        let binding = (function.bind)(arguments)?;
        let context = FunctionContext::default();
        let mut answers = Vec::new();
        for &rows in batches {
            let call = Call { rows, returns: binding.returns, arguments: &[], context: &context };
            let column = binding.kernel.run(&call, &[])?.flat();
            answers.extend((0..rows).map(|row| column.integer(row)));
        }
        Ok(answers)
    }

    fn number(value: i128) -> Argument {
        Argument { constant: Some(Value::integer(value)), ..Argument::of(SqlType::INTEGER) }
    }

    #[test]
    fn sequences_go_on_over_batches_and_wrap() -> Result<()> {
        assert_eq!(column(&SEQ4, &[], &[2, 0, 3])?, [0, 1, 2, 3, 4]);
        let unsigned = column(&SEQ1, &[], &[130])?;
        assert_eq!(unsigned[126..], [126, 127, 0, 1]);
        let signed = column(&SEQ1, &[number(1)], &[130])?;
        assert_eq!(signed[126..], [126, 127, -128, -127]);
        Ok(())
    }

    #[test]
    fn a_seed_repeats_and_call_sites_differ() -> Result<()> {
        assert_eq!(column(&RANDOM, &[number(7)], &[3])?, column(&RANDOM, &[number(7)], &[1, 2])?);
        let (one, other) = (column(&RANDOM, &[], &[3])?, column(&RANDOM, &[], &[3])?);
        assert_ne!(one, other);
        assert_ne!(one[0], one[1]);
        for generator in 0..100 {
            assert!((-3..=4).contains(&uniform(-3, 4, generator)?));
        }
        assert!(uniform(2, 1, 0).is_err());
        Ok(())
    }
}
