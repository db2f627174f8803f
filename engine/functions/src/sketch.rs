//! What the states of approximating aggregates tell.

use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType};

use crate::aggregate::approx_distinct::{INDEX_BITS, REGISTERS, Sketch};
use crate::aggregate::approx_percentile::Digest;
use crate::aggregate::mode::most_frequent;
use crate::driver::{blobs, floats, ints, null_propagating};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

const CATEGORY: &str = "Aggregate";

/// The functions of this file, sorted by name.
pub(crate) const FUNCTIONS: &[&ScalarFunction] =
    &[&APPROX_PERCENTILE_ESTIMATE, &APPROX_TOP_K_ESTIMATE, &HLL_ESTIMATE, &HLL_EXPORT, &HLL_IMPORT];

/// HLL_ESTIMATE(state)
const HLL_ESTIMATE: ScalarFunction = ScalarFunction::new(
    "HLL_ESTIMATE",
    Arity::exactly(1),
    |arguments| {
        let types = vec![accept::binary("HLL_ESTIMATE", arguments, 0)?];
        let kernel = null_propagating(|rows, columns| {
            let states = blobs(&columns[0])?;
            rows.map(|at| Sketch::read(states.get(at)).map(|sketch| Some(sketch.estimate())))
        });
        ScalarBinding::new(types, SqlType::number(18, 0), kernel)
    },
    Documentation::of(
        CATEGORY,
        "About how many different values a state of HLL_ACCUMULATE has seen.",
        &[Example::of("HLL_ESTIMATE(HLL_ACCUMULATE(7))", "1")],
    ),
);

/// HLL_EXPORT(state)
const HLL_EXPORT: ScalarFunction = ScalarFunction::new(
    "HLL_EXPORT",
    Arity::exactly(1),
    |arguments| {
        let types = vec![accept::binary("HLL_EXPORT", arguments, 0)?];
        let kernel = null_propagating(|rows, columns| {
            let states = blobs(&columns[0])?;
            let mut builder = Builder::new();
            rows.bytes(|at, out| {
                export(Sketch::read(states.get(at))?, &mut builder)?;
                builder.finish(out).map(|()| true)
            })
        });
        ScalarBinding::new(types, SqlType::Object, kernel)
    },
    Documentation::of(
        CATEGORY,
        "A state of HLL_ACCUMULATE as an object of its registers.",
        &[Example::of("HLL_EXPORT(HLL_ACCUMULATE(7)):precision", "12")],
    ),
);

/// HLL_IMPORT(object)
const HLL_IMPORT: ScalarFunction = ScalarFunction::new(
    "HLL_IMPORT",
    Arity::exactly(1),
    |arguments| {
        if !arguments[0].sql_type.is_semi_structured() && arguments[0].sql_type != SqlType::Null {
            return Err(wrong_types("HLL_IMPORT", arguments));
        }
        let kernel = null_propagating(|rows, columns| {
            let objects = blobs(&columns[0])?;
            rows.bytes(|at, out| {
                import(Variant::new(objects.get(at)))?.write(out);
                Ok(true)
            })
        });
        ScalarBinding::new(vec![SqlType::Object], SqlType::BINARY, kernel)
    },
    Documentation::of(
        CATEGORY,
        "The state that HLL_EXPORT made an object of.",
        &[Example::of("HLL_ESTIMATE(HLL_IMPORT(HLL_EXPORT(HLL_ACCUMULATE(7))))", "1")],
    ),
);

/// APPROX_PERCENTILE_ESTIMATE(state, part)
const APPROX_PERCENTILE_ESTIMATE: ScalarFunction = ScalarFunction::new(
    "APPROX_PERCENTILE_ESTIMATE",
    Arity::exactly(2),
    |arguments| {
        let name = "APPROX_PERCENTILE_ESTIMATE";
        let types = vec![SqlType::Variant, accept::float(name, arguments, 1)?];
        let kernel = null_propagating(|rows, columns| {
            let (states, parts) = (blobs(&columns[0])?, floats(&columns[1])?);
            rows.map(|at| {
                let part = parts.get(at);
                if !(0.0..=1.0).contains(&part) {
                    let text = format!("Invalid percentile {part}: it must be from 0 to 1");
                    return Err(Error::new(ErrorCode::InvalidValue, text));
                }
                Ok(Digest::read(states.get(at))?.quantile(part))
            })
        });
        ScalarBinding::new(types, SqlType::Float, kernel)
    },
    Documentation::of(
        CATEGORY,
        "About the value below which a part of the values of a state lies.",
        &[Example::of("APPROX_PERCENTILE_ESTIMATE(APPROX_PERCENTILE_ACCUMULATE(2), 0.9)", "2")],
    ),
);

/// APPROX_TOP_K_ESTIMATE(state [, count])
const APPROX_TOP_K_ESTIMATE: ScalarFunction = ScalarFunction::new(
    "APPROX_TOP_K_ESTIMATE",
    Arity::between(1, 2),
    bind_top,
    Documentation::of(
        CATEGORY,
        "The most frequent values of a state with about how often they came, as an array of pairs.",
        &[Example::of("TO_JSON(APPROX_TOP_K_ESTIMATE(APPROX_TOP_K_ACCUMULATE(7, 10)))", "[[7,1]]")],
    ),
);

fn bind_top(arguments: &[Argument]) -> Result<ScalarBinding> {
    let mut types = vec![SqlType::Variant];
    if arguments.len() > 1 {
        types.push(accept::integer("APPROX_TOP_K_ESTIMATE", arguments, 1)?);
    }
    let kernel = null_propagating(|rows, columns| {
        let states = blobs(&columns[0])?;
        let counts = columns.get(1).map(ints).transpose()?;
        let mut builder = Builder::new();
        rows.bytes(|at, out| {
            let count = counts.map_or(1, |counts| counts.get(at));
            let count = usize::try_from(count).unwrap_or(0);
            most_frequent(states.get(at), count, &mut builder)?;
            builder.finish(out).map(|()| true)
        })
    });
    ScalarBinding::new(types, SqlType::Array, kernel)
}

/// The version of the object's form that Snowflake documents.
const VERSION: i128 = 4;

/// Few registers are written with their numbers, many as they are.
fn export(sketch: Sketch, out: &mut Builder) -> Result<()> {
    let registers = sketch.registers();
    let used = registers.iter().filter(|rank| **rank > 0).count();
    out.begin_object()?;
    out.key("precision");
    out.integer(i128::from(INDEX_BITS));
    if used > REGISTERS / 4 {
        out.key("dense");
        out.begin_array()?;
        registers.iter().for_each(|rank| out.integer(i128::from(*rank)));
        out.end_array()?;
    } else {
        let present = || registers.iter().enumerate().filter(|(_, rank)| **rank > 0);
        out.key("sparse");
        out.begin_object()?;
        out.key("indices");
        out.begin_array()?;
        present().for_each(|(index, _)| out.integer(index as i128));
        out.end_array()?;
        out.key("maxLzCounts");
        out.begin_array()?;
        present().for_each(|(_, rank)| out.integer(i128::from(*rank)));
        out.end_array()?;
        out.end_object()?;
    }
    out.key("version");
    out.integer(VERSION);
    out.end_object()
}

fn import(object: Variant<'_>) -> Result<Sketch> {
    let invalid = || {
        let text = "Invalid HyperLogLog object: HLL_EXPORT did not make it";
        Error::new(ErrorCode::InvalidValue, text)
    };
    let numbers = |value: Option<Variant<'_>>| -> Option<Vec<usize>> {
        let number = |value: Variant<'_>| match value.item() {
            Item::Number(number) if number.scale == 0 => usize::try_from(number.unscaled).ok(),
            _ => None,
        };
        value?.as_array()?.iter().map(number).collect()
    };
    let mut registers = [0; REGISTERS];
    let pairs: Vec<(usize, usize)> = match object.get("dense") {
        Some(dense) => numbers(Some(dense)).ok_or_else(invalid)?.into_iter().enumerate().collect(),
        None => {
            let sparse = object.get("sparse").ok_or_else(invalid)?;
            let indices = numbers(sparse.get("indices")).ok_or_else(invalid)?;
            let ranks = numbers(sparse.get("maxLzCounts")).ok_or_else(invalid)?;
            if indices.len() != ranks.len() {
                return Err(invalid());
            }
            indices.into_iter().zip(ranks).collect()
        }
    };
    for (index, rank) in pairs {
        *registers.get_mut(index).ok_or_else(invalid)? =
            u8::try_from(rank).map_err(|_| invalid())?;
    }
    Sketch::of_registers(registers).ok_or_else(invalid)
}
