//! The ground floor: what every other crate of firn may use.
//!
//! Reading order: errors and places in a text, names, the SQL types and their values, schemas, and what
//! storage may skip by. Nothing here knows of Arrow, of SQL's grammar or of a file.

pub mod clock;
pub mod code;
pub mod coerce;
pub mod collation;
pub mod column_path;
pub mod date_part;
pub mod date_time;
pub mod decimal;
pub mod error;
pub mod error_code;
pub mod identifier;
pub mod ids;
mod intern;
pub mod interval;
pub mod limits;
pub mod monitor;
pub mod number_format;
pub mod number_text;
pub mod object_kind;
pub mod options;
pub mod parse_text;
pub mod print_text;
pub mod scan_predicate;
pub mod schema;
pub mod span;
pub mod sql_type;
pub mod stack;
pub mod structured;
pub mod text_format;
pub mod timestamp;
pub mod value;
pub mod variant;
pub mod vector;

pub use code::{Code, Handler, Language};
pub use collation::Collation;
pub use column_path::{ColumnPath, KeyPath};
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use identifier::{Identifier, ObjectName};
pub use ids::{ColumnId, FieldId, ObjectId, PartitionId, QueryId};
pub use monitor::{Cancel, Monitor, Progress};
pub use object_kind::{Namespace, ObjectKind};
pub use schema::{Field, Schema};
pub use span::Span;
pub use sql_type::{SqlType, TypeFamily};
pub use structured::StructuredType;
pub use value::{Decimal, Value};
pub use vector::VectorElement;
