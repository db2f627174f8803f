//! Vectors: products, distances and lengths. They are computed in 64 bits.

use firn_types::{Result, SqlType, VectorElement, vector};

use crate::driver::{blobs, null_propagating};
use crate::signature::wrong_types;
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// The chapter of this folder's functions.
const CATEGORY: &str = "Vector";

/// The functions of this folder.
pub(crate) const FUNCTIONS: &[&ScalarFunction] = &[
    &VECTOR_COSINE_SIMILARITY,
    &VECTOR_INNER_PRODUCT,
    &VECTOR_L1_DISTANCE,
    &VECTOR_L2_DISTANCE,
    &VECTOR_NORMALIZE,
    &VECTOR_TRUNCATE,
];

/// VECTOR_COSINE_SIMILARITY(vector, vector)
const VECTOR_COSINE_SIMILARITY: ScalarFunction = ScalarFunction::new(
    "VECTOR_COSINE_SIMILARITY",
    Arity::exactly(2),
    |arguments| {
        pairwise("VECTOR_COSINE_SIMILARITY", arguments, |pairs| {
            let (mut product, mut left, mut right) = (0.0, 0.0, 0.0);
            for (a, b) in pairs {
                product += a * b;
                left += a * a;
                right += b * b;
            }
            product / (left.sqrt() * right.sqrt())
        })
    },
    Documentation::of(
        CATEGORY,
        "The cosine of the angle between two vectors.",
        &[Example::of("VECTOR_COSINE_SIMILARITY([1,0]::VECTOR(INT,2), [0,2]::VECTOR(INT,2))", "0")],
    ),
)
.with_cost(400);

/// VECTOR_INNER_PRODUCT(vector, vector)
const VECTOR_INNER_PRODUCT: ScalarFunction = ScalarFunction::new(
    "VECTOR_INNER_PRODUCT",
    Arity::exactly(2),
    |arguments| {
        pairwise("VECTOR_INNER_PRODUCT", arguments, |pairs| pairs.map(|(a, b)| a * b).sum())
    },
    Documentation::of(
        CATEGORY,
        "The sum of the products of the elements of two vectors.",
        &[Example::of("VECTOR_INNER_PRODUCT([1,2]::VECTOR(INT,2), [3,4]::VECTOR(INT,2))", "11")],
    ),
)
.with_cost(400);

/// VECTOR_L1_DISTANCE(vector, vector)
const VECTOR_L1_DISTANCE: ScalarFunction = ScalarFunction::new(
    "VECTOR_L1_DISTANCE",
    Arity::exactly(2),
    |arguments| {
        pairwise("VECTOR_L1_DISTANCE", arguments, |pairs| pairs.map(|(a, b)| (a - b).abs()).sum())
    },
    Documentation::of(
        CATEGORY,
        "The sum of the distances between the elements of two vectors.",
        &[Example::of("VECTOR_L1_DISTANCE([1,5]::VECTOR(INT,2), [3,4]::VECTOR(INT,2))", "3")],
    ),
)
.with_cost(400);

/// VECTOR_L2_DISTANCE(vector, vector)
const VECTOR_L2_DISTANCE: ScalarFunction = ScalarFunction::new(
    "VECTOR_L2_DISTANCE",
    Arity::exactly(2),
    |arguments| {
        pairwise("VECTOR_L2_DISTANCE", arguments, |pairs| {
            pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
        })
    },
    Documentation::of(
        CATEGORY,
        "The distance between two vectors.",
        &[Example::of("VECTOR_L2_DISTANCE([0,0]::VECTOR(INT,2), [3,4]::VECTOR(INT,2))", "5")],
    ),
)
.with_cost(400);

/// VECTOR_NORMALIZE(vector)
const VECTOR_NORMALIZE: ScalarFunction = ScalarFunction::new(
    "VECTOR_NORMALIZE",
    Arity::exactly(1),
    |arguments| {
        let (element, dimension) = parts("VECTOR_NORMALIZE", arguments, 0)?;
        let kernel = null_propagating(move |rows, columns| {
            let vectors = blobs(&columns[0])?;
            rows.bytes(|at, out| {
                let bytes = vectors.get(at);
                let squares = vector::numbers(bytes, element).map(|number| number * number);
                let length = squares.sum::<f64>().sqrt();
                for number in vector::numbers(bytes, element) {
                    let unit = if length > 0.0 { number / length } else { 0.0 };
                    out.extend_from_slice(&(unit as f32).to_le_bytes());
                }
                Ok(true)
            })
        });
        let returns = SqlType::Vector { element: VectorElement::Float, dimension };
        ScalarBinding::new(vec![arguments[0].sql_type], returns, kernel)
    },
    Documentation::of(
        CATEGORY,
        "The vector of length 1 in the same direction.",
        &[Example::of("VECTOR_NORMALIZE([3,4]::VECTOR(FLOAT,2))", "[0.600000,0.800000]")],
    ),
);

/// VECTOR_TRUNCATE(vector, dimension)
const VECTOR_TRUNCATE: ScalarFunction = ScalarFunction::new(
    "VECTOR_TRUNCATE",
    Arity::exactly(2),
    |arguments| {
        let (element, dimension) = parts("VECTOR_TRUNCATE", arguments, 0)?;
        let wanted = accept::constant_integer(arguments, 1);
        let wanted = wanted.and_then(|wanted| u16::try_from(wanted).ok());
        let wanted = wanted.filter(|wanted| (1..=dimension).contains(wanted));
        let wanted = wanted.ok_or_else(|| wrong_types("VECTOR_TRUNCATE", arguments))?;
        let kernel = null_propagating(move |rows, columns| {
            let vectors = blobs(&columns[0])?;
            rows.bytes(|at, out| {
                out.extend_from_slice(&vectors.get(at)[..usize::from(wanted) * 4]);
                Ok(true)
            })
        });
        let types = vec![arguments[0].sql_type, SqlType::INTEGER];
        ScalarBinding::new(types, SqlType::Vector { element, dimension: wanted }, kernel)
    },
    Documentation::of(
        CATEGORY,
        "The first elements of a vector.",
        &[Example::of("VECTOR_TRUNCATE([1,2,3]::VECTOR(INT,3), 2)", "[1,2]")],
    ),
);

/// The elements' kind and the dimension of a vector among the arguments.
fn parts(name: &str, arguments: &[Argument], at: usize) -> Result<(VectorElement, u16)> {
    match arguments[at].sql_type {
        SqlType::Vector { element, dimension } => Ok((element, dimension)),
        _ => Err(wrong_types(name, arguments)),
    }
}

/// A function of the pairs of elements of two vectors of one type.
fn pairwise(
    name: &str,
    arguments: &[Argument],
    of: fn(&mut dyn Iterator<Item = (f64, f64)>) -> f64,
) -> Result<ScalarBinding> {
    let (element, _) = parts(name, arguments, 0)?;
    if arguments[0].sql_type != arguments[1].sql_type {
        return Err(wrong_types(name, arguments));
    }
    let kernel = null_propagating(move |rows, columns| {
        let (left, right) = (blobs(&columns[0])?, blobs(&columns[1])?);
        rows.map(|at| {
            let left = vector::numbers(left.get(at), element);
            let mut pairs = left.zip(vector::numbers(right.get(at), element));
            Ok(Some(of(&mut pairs)))
        })
    });
    ScalarBinding::new(vec![arguments[0].sql_type; 2], SqlType::Float, kernel)
}
