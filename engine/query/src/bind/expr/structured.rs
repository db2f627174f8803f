//! Structured arrays, objects and maps: what is in them, and functions of them.
//!
//! Functions see the semi-structured values that hold the structured ones. What they answer becomes structured
//! again by a cast to the type that follows from those of the arguments.

use firn_expression::Expr;
use firn_functions::Arity;
use firn_functions::signature::check_arity;
use firn_parse::ast::{self, ExprKind, Literal, PathStep};
use firn_types::structured::{Part, Structure, StructuredKind};
use firn_types::{Error, ErrorCode, Result, SqlType, StructuredType, Value, coerce};

use super::literal::text_literal;
use super::{ExprBinder, cast, explicit_cast};

/// Functions that do not take structured values.
const REFUSING: &[&str] = &[
    "ARRAY_CONSTRUCT",
    "ARRAY_CONSTRUCT_COMPACT",
    "AS_ARRAY",
    "AS_OBJECT",
    "IS_ARRAY",
    "IS_OBJECT",
    "OBJECT_CONSTRUCT",
    "OBJECT_CONSTRUCT_KEEP_NULL",
    "TYPEOF",
];

/// Functions of one array that answer an array of the same type.
const KEEPING: &[&str] =
    &["ARRAY_COMPACT", "ARRAY_DISTINCT", "ARRAY_REVERSE", "ARRAY_SLICE", "ARRAY_SORT"];

/// Functions of maps, and those that make structured values.
const OF_MAPS: &[(&str, Arity)] = &[
    ("ARRAY_CONSTRUCT_STRUCTURED", Arity::at_least(1)),
    ("MAP_CAT", Arity::exactly(2)),
    ("MAP_CONSTRUCT", Arity::at_least(2)),
    ("MAP_CONTAINS_KEY", Arity::exactly(2)),
    ("MAP_DELETE", Arity::at_least(2)),
    ("MAP_INSERT", Arity::between(3, 4)),
    ("MAP_KEYS", Arity::exactly(1)),
    ("MAP_PICK", Arity::at_least(2)),
    ("MAP_SIZE", Arity::exactly(1)),
    ("OBJECT_CONSTRUCT_KEEP_NULL_STRUCTURED", Arity::at_least(2)),
];

/// Whether this is a function that only knows structured values.
pub(super) fn is_of_maps(name: &str) -> bool {
    OF_MAPS.iter().any(|(known, _)| *known == name)
}

/// The value as the semi-structured one that holds it.
pub(crate) fn plain(value: Expr) -> Expr {
    match value.sql_type() {
        SqlType::Structured(of) => {
            Expr::Cast { input: Box::new(value), to: of.plain(), lenient: false }
        }
        _ => value,
    }
}

/// The answer as a value of a structured type.
fn typed(answer: Expr, structure: Structure) -> Result<Expr> {
    explicit_cast(answer, SqlType::Structured(StructuredType::new(structure)?), false)
}

fn element_of(value: &Expr) -> Option<Part> {
    match &*value.sql_type().structured()?.structure() {
        Structure::Array(part) => Some(*part),
        _ => None,
    }
}

fn map_of(value: &Expr) -> Option<(SqlType, Part)> {
    match &*value.sql_type().structured()?.structure() {
        Structure::Map(key, part) => Some((*key, *part)),
        _ => None,
    }
}

fn fields_of(value: &Expr) -> Option<Vec<(String, Part)>> {
    match &*value.sql_type().structured()?.structure() {
        Structure::Object(fields) => Some(fields.clone()),
        _ => None,
    }
}

fn wrong(name: &str, arguments: &[Expr]) -> Error {
    let types: Vec<String> = arguments.iter().map(|a| a.sql_type().to_string()).collect();
    let text = format!("Invalid argument types for function '{name}': ({})", types.join(", "));
    Error::new(ErrorCode::InvalidArgumentTypes, text)
}

fn constant_key(name: &str, key: &Expr) -> Result<String> {
    match key {
        Expr::Literal { value: Value::Text(text), .. } => Ok(text.to_string()),
        _ => {
            let text = format!(
                "argument of function {name} needs to be constant: the key of a structured OBJECT"
            );
            Err(Error::new(ErrorCode::ConstantArgument, text))
        }
    }
}

fn no_field(name: &str, key: &str) -> Error {
    let text = format!(
        "Function {name}: expected structured object to contain field {key} but it did not."
    );
    Error::new(ErrorCode::StructuredField, text)
}

/// A value that is kept as `null` where it is NULL.
fn kept(value: Expr) -> Result<Expr> {
    let value = explicit_cast(value, SqlType::Variant, false)?;
    let mut null = Vec::new();
    let mut builder = firn_types::variant::Builder::new();
    builder.null();
    builder.finish(&mut null)?;
    let null = Expr::Literal { value: Value::Variant(null.into()), sql_type: SqlType::Variant };
    Ok(Expr::Coalesce { operands: vec![value, null], sql_type: SqlType::Variant })
}

impl ExprBinder<'_> {
    /// The part of a structured value at one step of a path.
    pub(super) fn structured_step(&mut self, value: Expr, step: &PathStep) -> Result<Expr> {
        let key = match step {
            PathStep::Field(name) => text_literal(name.name.as_str().into()),
            PathStep::Index(index) => match &index.kind {
                ExprKind::Literal(Literal::Text(key)) => text_literal(key.as_ref().into()),
                _ => self.bind_inner(index)?,
            },
        };
        self.structured_part("GET", value, key)
    }

    /// `GET(value, key)` of a structured value, as what the type says of it.
    fn structured_part(&mut self, name: &str, value: Expr, key: Expr) -> Result<Expr> {
        let (part, key) = if let Some(part) = element_of(&value) {
            let is_index = key.sql_type().is_numeric();
            (is_index.then_some(part), key)
        } else if let Some((key_type, part)) = map_of(&value) {
            match coerce::can_coerce(key.sql_type(), key_type) {
                true => (Some(part), cast(cast(key, key_type), SqlType::TEXT)),
                false => (None, key),
            }
        } else {
            let wanted = constant_key(name, &key)?;
            let fields = fields_of(&value).unwrap_or_default();
            let ignores_case = name == "GET_IGNORE_CASE";
            let found = fields.iter().find(|(key, _)| {
                *key == wanted || (ignores_case && key.eq_ignore_ascii_case(&wanted))
            });
            let (key, part) = found.ok_or_else(|| no_field(name, &wanted))?;
            (Some(*part), text_literal(key.as_str().into()))
        };
        let Some(part) = part else { return Err(wrong(name, &[value, key])) };
        let found = self.call_plain("GET", vec![plain(value), key])?;
        explicit_cast(found, part.sql_type, false)
    }

    /// A call of a scalar function some of whose arguments are structured.
    pub(super) fn call_structured(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        if REFUSING.contains(&name) {
            return Err(wrong(name, &arguments));
        }
        match name {
            "GET" | "GET_IGNORE_CASE" => {
                let [value, key] = <[Expr; 2]>::try_from(arguments).map_err(|a| wrong(name, &a))?;
                self.structured_part(name, value, key)
            }
            "GET_PATH" => self.structured_path(arguments),
            "ARRAY_APPEND" | "ARRAY_PREPEND" | "ARRAY_INSERT" => self.with_element(name, arguments),
            "ARRAY_CAT" | "ARRAY_INTERSECTION" | "ARRAY_EXCEPT" | "ARRAYS_OVERLAP" => {
                self.of_two_arrays(name, arguments)
            }
            "ARRAY_CONTAINS" | "ARRAY_POSITION" => self.looked_for(name, arguments),
            "OBJECT_DELETE" | "OBJECT_PICK" => self.with_fields(name, arguments),
            "OBJECT_INSERT" => self.with_field(arguments),
            "OBJECT_KEYS" if fields_of(&arguments[0]).is_some() => {
                let keys = self.call_plain(name, arguments.into_iter().map(plain).collect())?;
                typed(keys, Structure::Array(Part { sql_type: SqlType::TEXT, nullable: true }))
            }
            _ => {
                let kept = KEEPING.contains(&name).then(|| element_of(&arguments[0])).flatten();
                let answer = self.call_plain(name, arguments.into_iter().map(plain).collect())?;
                match kept {
                    Some(part) => typed(answer, Structure::Array(part)),
                    None => Ok(answer),
                }
            }
        }
    }

    /// GET_PATH of a structured value: a constant path, step by step.
    fn structured_path(&mut self, arguments: Vec<Expr>) -> Result<Expr> {
        let [mut value, path] =
            <[Expr; 2]>::try_from(arguments).map_err(|a| wrong("GET_PATH", &a))?;
        let path = firn_types::variant::Path::parse(&constant_key("GET_PATH", &path)?)?;
        for step in path.steps {
            let key = match step {
                firn_types::variant::Step::Key(key) => text_literal(key.into()),
                firn_types::variant::Step::Index(index) => {
                    Expr::Literal { value: Value::integer(index), sql_type: SqlType::INTEGER }
                }
            };
            value = match value.sql_type() {
                SqlType::Structured(_) => self.structured_part("GET_PATH", value, key)?,
                _ => self.call_scalar("GET", vec![value, key])?,
            };
        }
        Ok(value)
    }

    /// ARRAY_APPEND and its kin: the element becomes one of the array's.
    fn with_element(&mut self, name: &str, mut arguments: Vec<Expr>) -> Result<Expr> {
        let part = element_of(&arguments[0]).ok_or_else(|| wrong(name, &arguments))?;
        let position = arguments.len() - 1;
        let given = arguments[position].sql_type();
        if !coerce::can_coerce(given, part.sql_type) {
            return Err(wrong(name, &arguments));
        }
        let element = plain(cast(arguments.remove(position), part.sql_type));
        arguments.push(explicit_cast(element, SqlType::Variant, false)?);
        let answer = self.call_plain(name, arguments.into_iter().map(plain).collect())?;
        typed(answer, Structure::Array(part))
    }

    fn of_two_arrays(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let parts: Option<Vec<Part>> = arguments.iter().map(element_of).collect();
        let types: Vec<SqlType> = arguments.iter().map(Expr::sql_type).collect();
        let common = coerce::common_type(&types).and_then(SqlType::structured);
        let (Some(parts), Some(common)) = (parts, common) else {
            return Err(wrong(name, &arguments));
        };
        // Elements are compared as values of one type.
        let met = arguments.into_iter().map(|a| plain(cast(a, SqlType::Structured(common))));
        let answer = self.call_plain(name, met.collect())?;
        match name {
            "ARRAYS_OVERLAP" => Ok(answer),
            "ARRAY_EXCEPT" => typed(answer, Structure::Array(parts[0])),
            _ => typed(answer, common.structure().as_ref().clone()),
        }
    }

    /// ARRAY_CONTAINS and ARRAY_POSITION: what is looked for becomes an element.
    fn looked_for(&mut self, name: &str, mut arguments: Vec<Expr>) -> Result<Expr> {
        let part = element_of(&arguments[1]).ok_or_else(|| wrong(name, &arguments))?;
        if !coerce::can_coerce(arguments[0].sql_type(), part.sql_type) {
            return Err(wrong(name, &arguments));
        }
        let array = arguments.remove(1);
        let element = plain(cast(arguments.remove(0), part.sql_type));
        let element = explicit_cast(element, SqlType::Variant, false)?;
        self.call_plain(name, vec![element, plain(array)])
    }

    /// OBJECT_DELETE and OBJECT_PICK: the type loses fields too.
    fn with_fields(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let fields = fields_of(&arguments[0]).ok_or_else(|| wrong(name, &arguments))?;
        let mut keys = Vec::new();
        for key in &arguments[1..] {
            let key = constant_key(name, key)?;
            if !fields.iter().any(|(known, _)| *known == key) {
                return Err(no_field(name, &key));
            }
            keys.push(key);
        }
        let find = |key: &String| fields.iter().find(|(known, _)| known == key).cloned();
        let left: Vec<(String, Part)> = match name {
            "OBJECT_PICK" => keys.iter().filter_map(find).collect(),
            _ => fields.iter().filter(|(key, _)| !keys.contains(key)).cloned().collect(),
        };
        let answer = self.call_plain(name, arguments.into_iter().map(plain).collect())?;
        typed(answer, Structure::Object(left))
    }

    /// OBJECT_INSERT: the type gets a field, or keeps the one that gets another value.
    fn with_field(&mut self, mut arguments: Vec<Expr>) -> Result<Expr> {
        const NAME: &str = "OBJECT_INSERT";
        let mut fields = fields_of(&arguments[0]).ok_or_else(|| wrong(NAME, &arguments))?;
        let key = constant_key(NAME, &arguments[1])?;
        let updates = match arguments.get(3) {
            None => false,
            Some(Expr::Literal { value: Value::Boolean(flag), .. }) => *flag,
            Some(_) => return Err(wrong(NAME, &arguments)),
        };
        let known = fields.iter().position(|(name, _)| *name == key);
        let value = arguments.remove(2);
        let value = match (known, updates) {
            (Some(at), true) => {
                let wanted = fields[at].1.sql_type;
                if !coerce::can_coerce(value.sql_type(), wanted) {
                    arguments.insert(2, value);
                    return Err(wrong(NAME, &arguments));
                }
                cast(value, wanted)
            }
            (None, true) => return Err(no_field(NAME, &key)),
            (Some(_), false) => {
                let text = format!(
                    "Function {NAME}: expected structured object to not contain field {key} but it did."
                );
                return Err(Error::new(ErrorCode::StructuredFieldTwice, text));
            }
            (None, false) => {
                let part = Part { sql_type: value.sql_type(), nullable: value.nullable() };
                fields.push((key, part));
                value
            }
        };
        arguments.insert(2, kept(plain(value))?);
        let answer = self.call_plain(NAME, arguments.into_iter().map(plain).collect())?;
        typed(answer, Structure::Object(fields))
    }

    /// A call of a function of maps, or of one that makes structured values.
    pub(super) fn call_of_maps(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        let known = OF_MAPS.iter().find(|(known, _)| *known == name);
        check_arity(name, known.map_or(Arity::at_least(0), |(_, arity)| *arity), arguments.len())?;
        match name {
            "ARRAY_CONSTRUCT_STRUCTURED" => {
                let (items, sql_type) = super::unify(name, arguments)?;
                let items = items.into_iter().map(plain).collect();
                let array = self.call_plain("ARRAY_CONSTRUCT", items)?;
                typed(array, Structure::Array(Part { sql_type, nullable: true }))
            }
            "OBJECT_CONSTRUCT_KEEP_NULL_STRUCTURED" => self.object_of_pairs(name, arguments),
            "MAP_CONSTRUCT" => self.map_of_pairs(name, arguments),
            _ => self.change_map(name, arguments),
        }
    }

    fn object_of_pairs(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        if arguments.len() % 2 == 1 {
            return Err(wrong(name, &arguments));
        }
        let mut fields = Vec::new();
        for pair in arguments.chunks(2) {
            let part = Part { sql_type: pair[1].sql_type(), nullable: true };
            fields.push((constant_key(name, &pair[0])?, part));
        }
        let pairs = arguments.into_iter().map(plain).collect();
        let object = self.call_plain("OBJECT_CONSTRUCT_KEEP_NULL", pairs)?;
        typed(object, Structure::Object(fields))
    }

    fn map_of_pairs(&mut self, name: &str, arguments: Vec<Expr>) -> Result<Expr> {
        if arguments.len() % 2 == 1 {
            return Err(wrong(name, &arguments));
        }
        let (keys, values): (Vec<_>, Vec<_>) =
            arguments.into_iter().enumerate().partition(|(index, _)| index % 2 == 0);
        let bare = |side: Vec<(usize, Expr)>| side.into_iter().map(|(_, expr)| expr).collect();
        let (keys, key) = super::unify(name, bare(keys))?;
        let (values, sql_type) = super::unify(name, bare(values))?;
        let key = match key {
            SqlType::Varchar { .. } => SqlType::TEXT,
            other => other,
        };
        let mut pairs = Vec::new();
        for (key, value) in keys.into_iter().zip(values) {
            pairs.extend([cast(key, SqlType::TEXT), plain(value)]);
        }
        let object = self.call_plain("OBJECT_CONSTRUCT_KEEP_NULL", pairs)?;
        typed(object, Structure::Map(key, Part { sql_type, nullable: true }))
    }

    /// The functions of maps that there are.
    fn change_map(&mut self, name: &str, mut arguments: Vec<Expr>) -> Result<Expr> {
        let at = usize::from(name == "MAP_CONTAINS_KEY");
        let Some((key, part)) = map_of(&arguments[at]) else {
            return Err(wrong(name, &arguments));
        };
        let refused = wrong(name, &arguments);
        let as_key = |given: Expr| match coerce::can_coerce(given.sql_type(), key) {
            true => Ok(cast(cast(given, key), SqlType::TEXT)),
            false => Err(refused.clone()),
        };
        let map = arguments.remove(at);
        let object = plain(map.clone());
        let map_type = Structure::Map(key, part);
        match name {
            "MAP_KEYS" => {
                let keys = self.call_plain("OBJECT_KEYS", vec![object])?;
                typed(keys, Structure::Array(Part { sql_type: key, nullable: true }))
            }
            "MAP_SIZE" => {
                let keys = self.call_plain("OBJECT_KEYS", vec![object])?;
                self.call_plain("ARRAY_SIZE", vec![keys])
            }
            "MAP_CONTAINS_KEY" => {
                let wanted = explicit_cast(as_key(arguments.remove(0))?, SqlType::Variant, false)?;
                let keys = self.call_plain("OBJECT_KEYS", vec![object])?;
                self.call_plain("ARRAY_CONTAINS", vec![wanted, keys])
            }
            "MAP_CAT" => {
                let types = [map.sql_type(), arguments[0].sql_type()];
                let common = coerce::common_type(&types).ok_or(refused)?;
                let second = plain(cast(arguments.remove(0), common));
                let both = vec![plain(cast(map, common)), second];
                explicit_cast(self.call_plain("$OBJECT_CAT", both)?, common, false)
            }
            "MAP_INSERT" => {
                let wanted = as_key(arguments.remove(0))?;
                let value = arguments.remove(0);
                if !coerce::can_coerce(value.sql_type(), part.sql_type) {
                    return Err(refused);
                }
                let value = kept(plain(cast(value, part.sql_type)))?;
                let mut all = vec![object, wanted, value];
                all.extend(arguments);
                typed(self.call_plain("OBJECT_INSERT", all)?, map_type)
            }
            _ => {
                let function = if name == "MAP_PICK" { "OBJECT_PICK" } else { "OBJECT_DELETE" };
                let mut all = vec![object];
                for given in arguments {
                    let list = element_of(&given).is_some() || given.sql_type() == SqlType::Array;
                    all.push(if list { plain(given) } else { as_key(given)? });
                }
                typed(self.call_plain(function, all)?, map_type)
            }
        }
    }
}

/// The types of FLATTEN's KEY and VALUE for a structured input; none where they are as for others.
pub(crate) fn flattened(input: SqlType) -> Option<(Option<SqlType>, SqlType)> {
    let of = input.structured()?;
    match (of.kind(), &*of.structure()) {
        (StructuredKind::Array, Structure::Array(part)) => Some((None, part.sql_type)),
        (StructuredKind::Map, Structure::Map(key, part)) => Some((Some(*key), part.sql_type)),
        _ => None,
    }
}

/// A type of the syntax with the parts that it has, when it is a structured one.
pub(crate) fn is_structured(name: &ast::TypeName) -> bool {
    let parts = |argument: &ast::TypeArgument| !matches!(argument, ast::TypeArgument::Number(_));
    name.name != "VECTOR" && name.arguments.iter().any(parts)
}
