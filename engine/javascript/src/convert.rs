//! SQL's values in JavaScript, and back.
//!
//! SQL's NULL is `undefined`, and a VARIANT's null is `null`. FLOAT is a number, VARCHAR and TIME are strings, BINARY
//! is a Uint8Array, VARIANT, OBJECT and ARRAY are what they hold, and dates and timestamps are Dates; what has no
//! time zone reads as UTC.

use arrow::array::{Array as _, BinaryViewArray, BooleanArray, Float64Array, StringViewArray};
use arrow::array::{StringViewBuilder, builder::BooleanBuilder};
use firn_column::{Array, Column};
use firn_functions::FunctionContext;
use firn_functions::cast::{CastMode, cast_column, cast_value};
use firn_types::limits::NESTING_MAX;
use firn_types::value::TimestampTz;
use firn_types::variant::{Builder, Item, Variant};
use firn_types::{Error, ErrorCode, Result, SqlType, Value as SqlValue};
use rquickjs::function::{Constructor, This};
use rquickjs::{
    Array as JsArray, Coerced, Ctx, FromJs, Function, Object, String as JsString, TypedArray, Value,
};

use crate::failure::Thrown;

/// Whole numbers from which on doubles are no longer all of them.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
const NANOS_PER_MILLI: i128 = 1_000_000;
const MILLIS_PER_DAY: f64 = 86_400_000.0;
/// The type that a Date has.
const INSTANT: SqlType = SqlType::TimestampLtz { scale: 9 };

/// What conversions need of JavaScript's library.
pub(crate) struct Library<'js> {
    pub(crate) ctx: Ctx<'js>,
    date: Constructor<'js>,
}

impl<'js> Library<'js> {
    /// That of a context.
    pub(crate) fn of(ctx: &Ctx<'js>) -> rquickjs::Result<Library<'js>> {
        Ok(Library { ctx: ctx.clone(), date: ctx.globals().get("Date")? })
    }

    fn date(&self, millis: f64) -> rquickjs::Result<Value<'js>> {
        self.date.construct((millis,))
    }

    /// The milliseconds of a Date; none of anything else. NaN of one that is invalid.
    fn millis(&self, value: &Value<'js>) -> rquickjs::Result<Option<f64>> {
        let Some(object) = value.as_object() else { return Ok(None) };
        if !object.is_instance_of(&self.date) {
            return Ok(None);
        }
        let read: Function<'js> = object.get("getTime")?;
        read.call((This(object.clone()),)).map(Some)
    }
}

/// The values of one argument, ready to be taken one by one.
pub(crate) enum Input {
    Float(Float64Array),
    Text(StringViewArray),
    Boolean(BooleanArray),
    Binary(BinaryViewArray),
    Variant(BinaryViewArray),
    /// Dates and timestamps of a type.
    Moment(Column, SqlType),
    /// NULL alone.
    Null,
}

impl Input {
    /// The arguments of a batch, of the parameters' types.
    ///
    /// # Errors
    /// That of a cast.
    pub(crate) fn all(
        arguments: &[Column],
        parameters: &[(String, SqlType)],
        context: &FunctionContext,
    ) -> Result<Vec<Input>> {
        let one = |(column, (_, sql_type)): (&Column, &(String, SqlType))| {
            Input::of(column, *sql_type, context)
        };
        arguments.iter().zip(parameters).map(one).collect()
    }

    /// The values of a column of a type.
    ///
    /// # Errors
    /// That of a cast.
    pub(crate) fn of(
        column: &Column,
        sql_type: SqlType,
        context: &FunctionContext,
    ) -> Result<Input> {
        let nearest = match sql_type {
            SqlType::Number { .. } => SqlType::Float,
            SqlType::Time { .. } => SqlType::TEXT,
            // Its bytes are its elements, and not those of a VARIANT.
            SqlType::Vector { .. } => SqlType::Array,
            same => same,
        };
        let column = match nearest == sql_type {
            true => column.clone(),
            false => cast_column(column, sql_type, nearest, CastMode::Strict, context)?,
        };
        Ok(match (nearest, column.flat()) {
            (SqlType::Null, _) => Input::Null,
            (SqlType::Float, Array::F64(array)) => Input::Float(array),
            (SqlType::Boolean, Array::Bool(array)) => Input::Boolean(array),
            (_, Array::Text(array)) => Input::Text(array),
            (SqlType::Binary { .. }, Array::Bytes(array)) => Input::Binary(array),
            (_, Array::Bytes(array)) => Input::Variant(array),
            (moment, _) => Input::Moment(column, moment),
        })
    }

    /// Whether the value of a row is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Input::Float(array) => array.is_null(row),
            Input::Text(array) => array.is_null(row),
            Input::Boolean(array) => array.is_null(row),
            Input::Binary(array) | Input::Variant(array) => array.is_null(row),
            Input::Moment(column, _) => column.is_null(row),
            Input::Null => true,
        }
    }

    /// The value of a row.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn value<'js>(
        &self,
        library: &Library<'js>,
        row: usize,
    ) -> rquickjs::Result<Value<'js>> {
        let ctx = library.ctx.clone();
        if self.is_null(row) {
            return Ok(Value::new_undefined(ctx));
        }
        Ok(match self {
            Input::Float(array) => Value::new_number(ctx, array.value(row)),
            Input::Text(array) => JsString::from_str(ctx, array.value(row))?.into_value(),
            Input::Boolean(array) => Value::new_bool(ctx, array.value(row)),
            Input::Binary(array) => bytes(ctx, array.value(row))?,
            Input::Variant(array) => library.item(Variant::new(array.value(row)))?,
            Input::Moment(column, sql_type) => {
                library.date(millis_of(&column.value(row, *sql_type)))?
            }
            Input::Null => Value::new_undefined(ctx),
        })
    }
}

fn bytes<'js>(ctx: Ctx<'js>, bytes: &[u8]) -> rquickjs::Result<Value<'js>> {
    Ok(TypedArray::<u8>::new_copy(ctx, bytes)?.into_value())
}

/// A time of day as `07:08:09`, with its fraction where it has one.
fn time_text(nanos: i64) -> String {
    let (seconds, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{hours:02}:{minutes:02}:{seconds:02}");
    match fraction {
        0 => text,
        _ => format!("{text}.{fraction:09}"),
    }
}

/// Milliseconds since 1970 of a date or timestamp.
fn millis_of(value: &SqlValue) -> f64 {
    let nanos = match value {
        SqlValue::Date(days) => return f64::from(*days) * MILLIS_PER_DAY,
        SqlValue::Timestamp(nanos) => *nanos,
        SqlValue::TimestampTz(moment) => moment.utc_nanos,
        _ => return f64::NAN,
    };
    nanos.div_euclid(NANOS_PER_MILLI) as f64
}

impl<'js> Library<'js> {
    /// What a VARIANT holds.
    fn item(&self, variant: Variant<'_>) -> rquickjs::Result<Value<'js>> {
        let ctx = self.ctx.clone();
        Ok(match variant.item() {
            Item::Null => Value::new_null(ctx),
            Item::Undefined => Value::new_undefined(ctx),
            Item::Boolean(value) => Value::new_bool(ctx, value),
            Item::Number(number) => Value::new_number(ctx, firn_types::variant::to_double(number)),
            Item::Float(value) => Value::new_number(ctx, value),
            Item::Text(text) => JsString::from_str(ctx, text)?.into_value(),
            Item::Binary(content) => bytes(ctx, content)?,
            Item::Date(days) => self.date(f64::from(days) * MILLIS_PER_DAY)?,
            Item::Time(nanos) => JsString::from_str(ctx, &time_text(nanos))?.into_value(),
            Item::TimestampNtz(nanos) | Item::TimestampLtz(nanos) => {
                self.date(millis_of(&SqlValue::Timestamp(nanos)))?
            }
            Item::TimestampTz(moment) => self.date(millis_of(&SqlValue::TimestampTz(moment)))?,
            Item::Array(elements) => {
                let array = JsArray::new(ctx)?;
                for (index, element) in elements.iter().enumerate() {
                    array.set(index, self.item(element)?)?;
                }
                array.into_value()
            }
            Item::Object(fields) => {
                let object = Object::new(ctx)?;
                for (key, value) in fields.iter() {
                    object.set(key, self.item(value)?)?;
                }
                object.into_value()
            }
        })
    }

    /// The text of a string, with `U+FFFD` for halves of characters.
    fn text(&self, value: &JsString<'js>) -> rquickjs::Result<String> {
        match value.to_string() {
            Err(rquickjs::Error::Utf8(_)) => {
                let whole: Function<'js> = self.ctx.eval("(text => text.toWellFormed())")?;
                whole.call::<_, JsString<'js>>((value.clone(),))?.to_string()
            }
            text => text,
        }
    }

    /// The text that JavaScript makes of any value.
    fn as_text(&self, value: Value<'js>) -> rquickjs::Result<String> {
        match value.as_string() {
            Some(text) => self.text(text),
            None => Coerced::<JsString<'js>>::from_js(&self.ctx, value)
                .and_then(|text| self.text(&text.0)),
        }
    }

    /// What a value is in SQL by itself, and of which type.
    fn natural(&self, value: &Value<'js>) -> Result<(SqlValue, SqlType), Thrown> {
        if let Some(number) = value.as_number() {
            return Ok((SqlValue::Float(number), SqlType::Float));
        }
        if let Some(answer) = value.as_bool() {
            return Ok((SqlValue::Boolean(answer), SqlType::Boolean));
        }
        if let Some(text) = value.as_string() {
            return Ok((SqlValue::text(self.text(text)?), SqlType::TEXT));
        }
        if let Some(millis) = self.millis(value)? {
            return Ok((moment(millis, INSTANT), INSTANT));
        }
        if let Some(content) = content(value)? {
            return Ok((SqlValue::Binary(content.into()), SqlType::BINARY));
        }
        if value.is_object() && !value.is_function() {
            return Ok((self.variant(value)?, SqlType::Variant));
        }
        Ok((SqlValue::text(self.as_text(value.clone())?), SqlType::TEXT))
    }

    /// A value as one for a `?` in a statement's text: whole numbers are so in SQL too.
    pub(crate) fn bind(&self, value: &Value<'js>) -> Result<(SqlValue, SqlType), Thrown> {
        if value.is_null() || value.is_undefined() {
            return Ok((SqlValue::Null, SqlType::TEXT));
        }
        match value.as_number() {
            Some(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => {
                Ok((SqlValue::integer(number as i128), SqlType::INTEGER))
            }
            _ => self.natural(value),
        }
    }

    /// The value as a VARIANT.
    fn variant(&self, value: &Value<'js>) -> Result<SqlValue, Thrown> {
        let mut builder = Builder::new();
        self.encode(value, &mut builder, 0)?;
        let mut bytes = Vec::new();
        builder.finish(&mut bytes)?;
        Ok(SqlValue::Variant(bytes.into()))
    }

    fn encode(&self, value: &Value<'js>, to: &mut Builder, depth: usize) -> Result<(), Thrown> {
        if depth > NESTING_MAX {
            let text = format!(
                "JavaScript execution error: an object is nested more than {NESTING_MAX} levels deep, \
                 or in itself"
            );
            return Err(Error::new(ErrorCode::JavaScriptExecution, text).into());
        }
        if let Some(number) = value.as_number() {
            match number.fract() == 0.0 && number.abs() < EXACT_MAX {
                true => to.integer(number as i128),
                false => to.float(number),
            }
        } else if let Some(answer) = value.as_bool() {
            to.boolean(answer);
        } else if let Some(text) = value.as_string() {
            to.text(&self.text(text)?);
        } else if let Some(content) = content(value)? {
            to.binary(&content);
        } else if let Some(array) = value.as_array() {
            to.begin_array()?;
            for element in array.iter::<Value<'js>>() {
                let element = element?;
                if is_told(&element) {
                    self.encode(&element, to, depth + 1)?;
                }
            }
            to.end_array()?;
        } else if let Some(object) = value.as_object() {
            self.encode_object(object, to, depth)?;
        } else if value.is_big_int() {
            to.text(&self.as_text(value.clone())?);
        } else {
            to.null();
        }
        Ok(())
    }

    /// An object: what its `toJSON` says where it has one, such as a Date's text, and its own fields otherwise.
    fn encode_object(
        &self,
        object: &Object<'js>,
        to: &mut Builder,
        depth: usize,
    ) -> Result<(), Thrown> {
        let told: Value<'js> = object.get("toJSON")?;
        if let Some(told) = told.as_function() {
            let value: Value<'js> = told.call((This(object.clone()),))?;
            return self.encode(&value, to, depth + 1);
        }
        to.begin_object()?;
        for field in object.props::<String, Value<'js>>() {
            let (key, value) = field?;
            if is_told(&value) {
                to.key(&key);
                self.encode(&value, to, depth + 1)?;
            }
        }
        to.end_object()?;
        Ok(())
    }
}

/// Whether a value inside of another one is told: `undefined` and functions are left out.
fn is_told(value: &Value<'_>) -> bool {
    !value.is_undefined() && !value.is_function() && !value.is_symbol()
}

/// The bytes of a Uint8Array.
fn content(value: &Value<'_>) -> rquickjs::Result<Option<Vec<u8>>> {
    let array = value.as_object().and_then(Object::as_typed_array::<u8>);
    let Some(array) = array else { return Ok(None) };
    // One by one: code could change the memory behind them, so that no reference to it is safe.
    let bytes = (0..array.len() as u32).map(|index| array.as_object().get(index));
    bytes.collect::<rquickjs::Result<_>>().map(Some)
}

/// A moment as a value of a type of dates, times or timestamps; NULL of an invalid Date.
fn moment(millis: f64, sql_type: SqlType) -> SqlValue {
    if !millis.is_finite() {
        return SqlValue::Null;
    }
    let nanos = millis as i128 * NANOS_PER_MILLI;
    match sql_type {
        SqlType::Date => SqlValue::Date((millis / MILLIS_PER_DAY).floor() as i32),
        SqlType::Time { .. } => {
            SqlValue::Time((millis.rem_euclid(MILLIS_PER_DAY) * NANOS_PER_MILLI as f64) as i64)
        }
        SqlType::TimestampTz { .. } => {
            SqlValue::TimestampTz(TimestampTz { utc_nanos: nanos, offset_minutes: 0 })
        }
        _ => SqlValue::Timestamp(nanos),
    }
}

/// The values that code gives, one after the other.
pub(crate) struct Output {
    sql_type: SqlType,
    values: Values,
    /// What they take.
    bytes: usize,
}

enum Values {
    Float(Vec<Option<f64>>),
    Text(StringViewBuilder),
    Boolean(BooleanBuilder),
    Other(Vec<SqlValue>),
}

impl Output {
    /// None yet, of a type.
    pub(crate) fn new(sql_type: SqlType, rows: usize) -> Output {
        let values = match sql_type {
            SqlType::Float => Values::Float(Vec::with_capacity(rows)),
            SqlType::Varchar { .. } => Values::Text(StringViewBuilder::with_capacity(rows)),
            SqlType::Boolean => Values::Boolean(BooleanBuilder::with_capacity(rows)),
            _ => Values::Other(Vec::with_capacity(rows)),
        };
        Output { sql_type, values, bytes: 0 }
    }

    /// NULL.
    pub(crate) fn push_null(&mut self) {
        match &mut self.values {
            Values::Float(values) => values.push(None),
            Values::Text(values) => values.append_null(),
            Values::Boolean(values) => values.append_null(),
            Values::Other(values) => values.push(SqlValue::Null),
        }
    }

    /// One more value.
    ///
    /// # Errors
    /// That of a cast, for a value that is not of the type; `OutOfMemory` for too many.
    pub(crate) fn push<'js>(
        &mut self,
        library: &Library<'js>,
        value: Value<'js>,
        context: &FunctionContext,
    ) -> Result<(), Thrown> {
        match &mut self.values {
            Values::Float(values) => {
                if let Some(number) = value.as_number() {
                    values.push(Some(number));
                    return Ok(());
                }
            }
            Values::Boolean(values) => {
                if let Some(answer) = value.as_bool() {
                    values.append_value(answer);
                    return Ok(());
                }
            }
            _ => {}
        }
        let value = sql_value(library, value, self.sql_type, context)?;
        self.bytes += match &value {
            SqlValue::Text(text) => text.len(),
            SqlValue::Binary(bytes) | SqlValue::Variant(bytes) => bytes.len(),
            _ => 0,
        };
        if self.bytes > context.made_bytes_max {
            let text = "a JavaScript function makes too much of one batch of rows";
            return Err(Error::new(ErrorCode::OutOfMemory, text).into());
        }
        match (&mut self.values, value) {
            (Values::Text(values), SqlValue::Text(text)) => values.append_value(text),
            (Values::Float(values), SqlValue::Float(number)) => values.push(Some(number)),
            (Values::Boolean(values), SqlValue::Boolean(answer)) => values.append_value(answer),
            (Values::Other(values), value) => values.push(value),
            (_, _) => self.push_null(),
        }
        Ok(())
    }

    /// The column of all values.
    ///
    /// # Errors
    /// An internal error for a value of another type.
    pub(crate) fn finish(self) -> Result<Column> {
        Ok(match self.values {
            Values::Float(values) => Column::Flat(Array::F64(Float64Array::from(values))),
            Values::Text(mut values) => Column::Flat(Array::Text(values.finish())),
            Values::Boolean(mut values) => Column::Flat(Array::Bool(values.finish())),
            Values::Other(values) => Column::from_values(self.sql_type, &values)?,
        })
    }
}

/// A value of code as one of a type in SQL: `undefined` is NULL, and so is `null`, but of a VARIANT.
///
/// # Errors
/// That of a cast, for a value that is not of the type.
pub(crate) fn sql_value<'js>(
    library: &Library<'js>,
    value: Value<'js>,
    sql_type: SqlType,
    context: &FunctionContext,
) -> Result<SqlValue, Thrown> {
    if value.is_undefined() || value.is_null() && sql_type != SqlType::Variant {
        return Ok(SqlValue::Null);
    }
    let (natural, from) = match sql_type {
        SqlType::Variant => return library.variant(&value),
        SqlType::Array | SqlType::Object | SqlType::Structured(_) => {
            (library.variant(&value)?, SqlType::Variant)
        }
        SqlType::Varchar { length, .. } => {
            let text = library.as_text(value)?;
            if text.len() <= length as usize {
                return Ok(SqlValue::text(text));
            }
            (SqlValue::text(text), SqlType::TEXT)
        }
        moments
            if moments.is_timestamp()
                || matches!(moments, SqlType::Date | SqlType::Time { .. }) =>
        {
            match library.millis(&value)? {
                Some(millis) => return Ok(moment(millis, sql_type)),
                None => library.natural(&value)?,
            }
        }
        _ => library.natural(&value)?,
    };
    if from == sql_type {
        return Ok(natural);
    }
    Ok(cast_value(&natural, from, sql_type, CastMode::Strict, context)?)
}
