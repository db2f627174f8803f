//! Types as written to types as meant.

use firn_types::limits::{
    BINARY_LENGTH_DEFAULT, BINARY_LENGTH_MAX, NUMBER_PRECISION_MAX, NUMBER_SCALE_MAX,
    TIME_SCALE_MAX, VARCHAR_LENGTH_DEFAULT, VARCHAR_LENGTH_MAX,
};
use firn_types::structured::{Part, Structure};
use firn_types::{
    Error, ErrorCode, Result, SqlType, StructuredType, VectorElement, vector as vectors,
};

use super::expr::is_structured;
use firn_parse::ast::{TypeArgument, TypeName};

/// The type that a name means; `timestamp` is what a bare TIMESTAMP is.
///
/// # Errors
/// `UnsupportedDataType` for unknown names, and for parameters out of range.
pub fn resolve(name: &TypeName, timestamp: SqlType) -> Result<SqlType> {
    if name.name == "VECTOR" {
        return vector(name);
    }
    if is_structured(name) {
        let structure = structure(name, timestamp)?;
        let of = StructuredType::new(structure).map_err(|error| error.at(name.span))?;
        return Ok(SqlType::Structured(of));
    }
    let arguments = numbers(name)?;
    let resolved = match name.name.as_str() {
        "NUMBER" | "NUMERIC" | "DECIMAL" | "DEC" => number(name, &arguments)?,
        "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" | "BYTEINT" => {
            none(name, &arguments, SqlType::INTEGER)?
        }
        "FLOAT" | "FLOAT4" | "FLOAT8" | "DOUBLE" | "DOUBLE PRECISION" | "REAL" => SqlType::Float,
        "VARCHAR" | "STRING" | "TEXT" | "VARCHAR2" | "NVARCHAR" | "NVARCHAR2" | "CHAR VARYING"
        | "NCHAR VARYING" | "CHARACTER VARYING" => {
            let length = one(name, &arguments, VARCHAR_LENGTH_DEFAULT, VARCHAR_LENGTH_MAX)?;
            SqlType::varchar(length)
        }
        "CHAR" | "CHARACTER" | "NCHAR" => {
            SqlType::varchar(one(name, &arguments, 1, VARCHAR_LENGTH_MAX)?)
        }
        "BINARY" | "VARBINARY" => SqlType::Binary {
            length: one(name, &arguments, BINARY_LENGTH_DEFAULT, BINARY_LENGTH_MAX)?,
        },
        "BOOLEAN" | "BOOL" => none(name, &arguments, SqlType::Boolean)?,
        "DATE" => none(name, &arguments, SqlType::Date)?,
        "TIME" => SqlType::Time { scale: fraction(name, &arguments)? },
        "DATETIME" | "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" | "TIMESTAMP WITHOUT TIME ZONE" => {
            SqlType::TimestampNtz { scale: fraction(name, &arguments)? }
        }
        "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" | "TIMESTAMP WITH LOCAL TIME ZONE" => {
            SqlType::TimestampLtz { scale: fraction(name, &arguments)? }
        }
        "TIMESTAMP_TZ" | "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => {
            SqlType::TimestampTz { scale: fraction(name, &arguments)? }
        }
        "TIMESTAMP" => {
            let scale = fraction(name, &arguments)?;
            match timestamp {
                SqlType::TimestampLtz { .. } => SqlType::TimestampLtz { scale },
                SqlType::TimestampTz { .. } => SqlType::TimestampTz { scale },
                _ => SqlType::TimestampNtz { scale },
            }
        }
        "VARIANT" => none(name, &arguments, SqlType::Variant)?,
        "OBJECT" => none(name, &arguments, SqlType::Object)?,
        "ARRAY" => none(name, &arguments, SqlType::Array)?,
        "GEOGRAPHY" | "GEOMETRY" | "DECFLOAT" | "UUID" | "FILE" | "INTERVAL" => {
            return Err(Error::not_supported(format!("data type {}", name.name)).at(name.span));
        }
        _ => return Err(unsupported(name)),
    };
    Ok(resolved)
}

/// The parts of ARRAY(..), OBJECT(..) and MAP(..).
fn structure(name: &TypeName, timestamp: SqlType) -> Result<Structure> {
    let part = |of: &TypeName, not_null: bool| {
        Ok(Part { sql_type: resolve(of, timestamp)?, nullable: !not_null })
    };
    match (name.name.as_str(), &name.arguments[..]) {
        ("ARRAY", [TypeArgument::Type(of, not_null)]) => Ok(Structure::Array(part(of, *not_null)?)),
        ("MAP", [TypeArgument::Type(key, _), TypeArgument::Type(of, not_null)]) => {
            Ok(Structure::Map(resolve(key, timestamp)?, part(of, *not_null)?))
        }
        ("OBJECT", fields) => {
            let field = |argument: &TypeArgument| match argument {
                TypeArgument::Field(key, of, not_null) => {
                    Ok((key.name.clone(), part(of, *not_null)?))
                }
                _ => Err(invalid(name, "parameter")),
            };
            Ok(Structure::Object(fields.iter().map(field).collect::<Result<_>>()?))
        }
        _ => Err(invalid(name, "parameter")),
    }
}

/// VECTOR(FLOAT, n) and VECTOR(INT, n).
fn vector(name: &TypeName) -> Result<SqlType> {
    let [TypeArgument::Type(of, false), TypeArgument::Number(dimension)] = &name.arguments[..]
    else {
        return Err(invalid(name, "parameter"));
    };
    let element = match resolve(of, SqlType::TIMESTAMP_NTZ)? {
        SqlType::Float => VectorElement::Float,
        SqlType::Number { scale: 0, .. } => VectorElement::Int,
        _ => return Err(invalid(name, "element type")),
    };
    match u16::try_from(*dimension) {
        Ok(dimension) if vectors::is_dimension(u64::from(dimension)) => {
            Ok(SqlType::Vector { element, dimension })
        }
        _ => Err(invalid(name, "dimension")),
    }
}

fn unsupported(name: &TypeName) -> Error {
    let text = format!("Unsupported data type '{}'.", name.name);
    Error::new(ErrorCode::UnsupportedDataType, text).at(name.span)
}

fn invalid(name: &TypeName, what: &str) -> Error {
    let text = format!("Invalid {what} for data type '{}'.", name.name);
    Error::new(ErrorCode::UnsupportedDataType, text).at(name.span)
}

fn numbers(name: &TypeName) -> Result<Vec<u64>> {
    let number = |argument: &TypeArgument| match argument {
        TypeArgument::Number(number) => Ok(*number),
        TypeArgument::Type(..) | TypeArgument::Field(..) => {
            Err(Error::not_supported(format!("structured type {}", name.name)).at(name.span))
        }
    };
    name.arguments.iter().map(number).collect()
}

fn none(name: &TypeName, arguments: &[u64], sql_type: SqlType) -> Result<SqlType> {
    if arguments.is_empty() { Ok(sql_type) } else { Err(invalid(name, "parameter")) }
}

fn one(name: &TypeName, arguments: &[u64], default: u32, max: u32) -> Result<u32> {
    match arguments {
        [] => Ok(default),
        [length] => match u32::try_from(*length) {
            Ok(length) if (1..=max).contains(&length) => Ok(length),
            _ => Err(invalid(name, "length")),
        },
        _ => Err(invalid(name, "parameter")),
    }
}

fn fraction(name: &TypeName, arguments: &[u64]) -> Result<u8> {
    match arguments {
        [] => Ok(TIME_SCALE_MAX),
        [scale] => match u8::try_from(*scale) {
            Ok(scale) if scale <= TIME_SCALE_MAX => Ok(scale),
            _ => Err(invalid(name, "precision")),
        },
        _ => Err(invalid(name, "parameter")),
    }
}

fn number(name: &TypeName, arguments: &[u64]) -> Result<SqlType> {
    let (precision, scale) = match arguments {
        [] => (u64::from(NUMBER_PRECISION_MAX), 0),
        [precision] => (*precision, 0),
        [precision, scale] => (*precision, *scale),
        _ => return Err(invalid(name, "parameter")),
    };
    let fits = (1..=u64::from(NUMBER_PRECISION_MAX)).contains(&precision)
        && scale <= precision.min(u64::from(NUMBER_SCALE_MAX));
    match (fits, u8::try_from(precision), u8::try_from(scale)) {
        (true, Ok(precision), Ok(scale)) => Ok(SqlType::Number { precision, scale }),
        _ => Err(invalid(name, "precision or scale")),
    }
}
