//! VECTOR: so many numbers of 32 bits.
//!
//! A value is held as its elements in order, four bytes each, the lowest first.

use std::fmt;

use crate::limits::VECTOR_DIMENSION_MAX;

/// What a vector's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorElement {
    /// FLOAT: floating-point numbers of 32 bits.
    Float,
    /// INT: whole numbers of 32 bits.
    Int,
}

impl fmt::Display for VectorElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VectorElement::Float => "FLOAT",
            VectorElement::Int => "INT",
        })
    }
}

/// Whether a vector may have so many elements.
pub fn is_dimension(dimension: u64) -> bool {
    (1..=u64::from(VECTOR_DIMENSION_MAX)).contains(&dimension)
}

/// The elements of a vector of floats.
pub fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// The elements of a vector of whole numbers.
pub fn ints(bytes: &[u8]) -> impl Iterator<Item = i32> + '_ {
    bytes.chunks_exact(4).map(|four| i32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

/// The elements, as numbers of 64 bits.
pub fn numbers(bytes: &[u8], element: VectorElement) -> Box<dyn Iterator<Item = f64> + '_> {
    match element {
        VectorElement::Float => Box::new(floats(bytes).map(f64::from)),
        VectorElement::Int => Box::new(ints(bytes).map(f64::from)),
    }
}

/// Writes a vector as a list in brackets.
pub fn write(bytes: &[u8], element: VectorElement, out: &mut String) {
    use std::fmt::Write as _;
    out.push('[');
    let mut separator = "";
    match element {
        VectorElement::Float => {
            for value in floats(bytes) {
                let _ = write!(out, "{separator}{value:.6}");
                separator = ",";
            }
        }
        VectorElement::Int => {
            for value in ints(bytes) {
                let _ = write!(out, "{separator}{value}");
                separator = ",";
            }
        }
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_lists_of_numbers() {
        let bytes: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        let mut text = String::new();
        write(&bytes, VectorElement::Float, &mut text);
        assert_eq!(text, "[1.500000,-2.000000]");
        assert_eq!(numbers(&bytes, VectorElement::Float).sum::<f64>(), -0.5);
        assert!(is_dimension(4096) && !is_dimension(4097) && !is_dimension(0));
    }
}
