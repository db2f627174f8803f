//! Arrow's arrays, which the readers of several formats give, as our columns.
//!
//! `convert` chooses SQL's type for each of Arrow's and brings its values there; `variant` writes any of
//! them as VARIANT.

mod convert;
mod variant;

pub use convert::natural_type;
pub(in crate::format) use convert::{Read, column};
pub(in crate::format) use variant::objects;
