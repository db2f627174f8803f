//! The two forms of the server's rows against each other: Arrow, read by the rules by which Snowflake's clients read
//! it, has the values that JSON has, for every type, with and without NULL, of no, one and many rows.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type,
};
use arrow_ipc::reader::StreamReader;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use firn_engine::{Engine, EngineOptions};
use firn_server::{Server, ServerOptions};
use firn_tests::server_client::Client;
use serde_json::Value;

/// Expressions of every type; `n` is the number of the row.
const VALUES: &[&str] = &[
    "(n % 100)::NUMBER(2,0)",
    "(n % 3000)::NUMBER(4,0)",
    "n * 100000",
    "n * 1000000000000",
    "n * 10000000000000000000000000::NUMBER(38,0)",
    "(n / 4)::NUMBER(12,2)",
    "-n / 3",
    "n::FLOAT / 8",
    "n % 2 = 0",
    "'a text ' || n",
    "''",
    "TO_BINARY(TO_CHAR(n % 10) || '0', 'HEX')",
    "DATEADD(day, n - 10, DATE '1970-01-01')",
    "TIMEADD(second, n % 86400, TIME '00:00:00')::TIME(0)",
    "TIMEADD(nanosecond, n, TIME '23:00:00')",
    "DATEADD(second, -n, '1970-01-01'::TIMESTAMP_NTZ(0))::TIMESTAMP_NTZ(0)",
    "DATEADD(millisecond, n, '1969-12-31 23:59:59.999'::TIMESTAMP_NTZ(3))::TIMESTAMP_NTZ(3)",
    "DATEADD(nanosecond, -n, '1970-01-01'::TIMESTAMP_NTZ)",
    "DATEADD(day, n, '2024-01-01 00:00:00 +0000'::TIMESTAMP_LTZ)",
    "DATEADD(second, n, '9999-12-31 00:00:00'::TIMESTAMP_NTZ(6))::TIMESTAMP_NTZ(6)",
    "DATEADD(second, n, '2024-01-01 00:00:00 +0530'::TIMESTAMP_TZ)",
    "DATEADD(second, n, '1900-01-01 00:00:00 -0800'::TIMESTAMP_TZ(3))::TIMESTAMP_TZ(3)",
    "TO_VARIANT(n)",
    "OBJECT_CONSTRUCT('n', n, 'list', ARRAY_CONSTRUCT(n, 'x'))",
    "ARRAY_CONSTRUCT(n, NULL)",
    "OBJECT_CONSTRUCT('n', n)::MAP(VARCHAR, NUMBER)",
    "ARRAY_CONSTRUCT(n, -1)::VECTOR(INT, 2)",
    "ARRAY_CONSTRUCT(n / 8, 1)::VECTOR(FLOAT, 2)",
    "('a text ' || n) COLLATE 'en-ci'",
    "NULL",
];

fn server() -> Server {
    let engine = EngineOptions { threads: Some(2), ..EngineOptions::default() };
    let engine = Engine::open(":memory:", engine).expect("an engine");
    let listen = "127.0.0.1:0".to_string();
    let options = ServerOptions { listen, trust_local: true, ..ServerOptions::default() };
    Server::start(engine, options).expect("a server")
}

/// The texts of a row's cells, as JSON has them.
type Row = Vec<Option<String>>;

fn cell(value: &Value) -> Option<String> {
    value.as_str().map(str::to_string)
}

fn rows_of_json(rows: &Value) -> Vec<Row> {
    let rows = rows.as_array().expect("rows");
    rows.iter().map(|row| row.as_array().expect("a row").iter().map(cell).collect()).collect()
}

/// All rows of an answer, those of its parts included.
fn rows(client: &Client, server: &Server, sql: &str) -> Vec<Row> {
    let answer = client.query(sql);
    assert_eq!(answer["success"], true, "{sql}: {answer}");
    let data = &answer["data"];
    let arrow = data["queryResultFormat"] == "arrow";
    let mut rows = match arrow {
        false => rows_of_json(&data["rowset"]),
        true => {
            let text = data["rowsetBase64"].as_str().expect("a text");
            rows_of_arrow(&STANDARD.decode(text).expect("base 64"))
        }
    };
    for part in data["chunks"].as_array().into_iter().flatten() {
        let url = part["url"].as_str().expect("an address");
        let path = url.split_once(&server.address().to_string()).expect("this server").1;
        let body = client.get(path).body;
        let more = match arrow {
            true => rows_of_arrow(&body),
            false => {
                let text = [b"[", body.as_slice(), b"]"].concat();
                rows_of_json(&serde_json::from_slice(&text).expect("rows"))
            }
        };
        assert_eq!(more.len() as u64, part["rowCount"]);
        rows.extend(more);
    }
    assert_eq!(rows.len() as u64, data["total"]);
    rows
}

/// Reads a stream as strictly as the strictest client.
fn rows_of_arrow(bytes: &[u8]) -> Vec<Row> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let reader = StreamReader::try_new(bytes, None).expect("a stream");
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        assert!(batch.num_rows() > 0, "a batch without rows ends some clients");
        rows.extend((0..batch.num_rows()).map(|row| texts(&batch, row)));
    }
    rows
}

fn texts(batch: &RecordBatch, row: usize) -> Row {
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields());
    columns
        .map(|(column, field)| (!column.is_null(row)).then(|| text(column, field, row)))
        .collect()
}

/// The text that JSON has for a value, by the field's metadata.
fn text(column: &dyn Array, field: &Field, row: usize) -> String {
    let metadata = |name: &str| field.metadata().get(name).cloned().unwrap_or_default();
    let scale: u32 = metadata("scale").parse().expect("a scale");
    metadata("precision").parse::<u32>().expect("a precision");
    metadata("byteLength").parse::<u64>().expect("a length");
    match metadata("logicalType").as_str() {
        "FIXED" => decimal(integer(column, row), scale),
        "REAL" => {
            let value = column.as_primitive::<Float64Type>().value(row);
            value.to_string()
        }
        "BOOLEAN" => u8::from(column.as_boolean().value(row)).to_string(),
        "VECTOR" => {
            let list = column.as_fixed_size_list().value(row);
            let items: Vec<String> = match list.data_type() {
                DataType::Int32 => {
                    list.as_primitive::<Int32Type>().values().iter().map(i32::to_string).collect()
                }
                _ => {
                    let floats = list.as_primitive::<Float32Type>();
                    floats.values().iter().map(|float| format!("{float:.6}")).collect()
                }
            };
            format!("[{}]", items.join(","))
        }
        "TEXT" | "VARIANT" | "OBJECT" | "ARRAY" => {
            assert_eq!(column.data_type(), &DataType::Utf8);
            column.as_string::<i32>().value(row).to_string()
        }
        "BINARY" => {
            let bytes = column.as_binary::<i32>().value(row);
            bytes.iter().map(|byte| format!("{byte:02X}")).collect()
        }
        "DATE" => column.as_primitive::<Date32Type>().value(row).to_string(),
        "TIME" => decimal(integer(column, row), scale),
        "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" => match column.data_type() {
            DataType::Struct(_) => decimal(nanos(column, row), 9)[..].to_string(),
            _ => decimal(integer(column, row), scale),
        },
        "TIMESTAMP_TZ" => {
            let zone = column.as_struct().column_by_name("timezone").expect("a zone");
            let zone = zone.as_primitive::<Int32Type>().value(row);
            let unit = 10_i128.pow(9 - scale);
            format!("{} {zone}", decimal(nanos(column, row).div_euclid(unit), scale))
        }
        other => panic!("a logical type that clients do not know: {other}"),
    }
}

fn nanos(column: &dyn Array, row: usize) -> i128 {
    let parts = column.as_struct();
    let epoch = parts.column_by_name("epoch").expect("seconds");
    let fraction = parts.column_by_name("fraction").expect("nanoseconds");
    i128::from(epoch.as_primitive::<Int64Type>().value(row)) * 1_000_000_000
        + i128::from(fraction.as_primitive::<Int32Type>().value(row))
}

fn integer(column: &dyn Array, row: usize) -> i128 {
    match column.data_type() {
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row),
        other => panic!("a type that clients do not know: {other}"),
    }
}

fn decimal(unscaled: i128, scale: u32) -> String {
    if scale == 0 {
        return unscaled.to_string();
    }
    let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, unscaled.unsigned_abs());
    let power = 10_u128.pow(scale);
    format!("{sign}{}.{:0width$}", digits / power, digits % power, width = scale as usize)
}

fn compared(sql: &str, server: &Server, clients: &[Client; 2]) {
    let [json, arrow] = clients.each_ref().map(|client| rows(client, server, sql));
    assert_eq!(json.len(), arrow.len(), "{sql}");
    for (json, arrow) in json.iter().zip(&arrow) {
        assert_eq!(json, arrow, "{sql}");
    }
}

#[test]
fn arrow_has_what_json_has() {
    let server = server();
    let clients = [
        Client::login(server.address(), "JavaScript"),
        Client::login(server.address(), "PythonConnector"),
    ];
    for value in VALUES {
        for count in [0, 1, 3, 1000] {
            let source = format!(
                "(SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => {})) LIMIT {count})",
                count.max(1)
            );
            for value in [(*value).to_string(), format!("IFF(n % 3 = 0, NULL, {value})")] {
                compared(&format!("SELECT {value} AS v FROM {source}"), &server, &clients);
            }
        }
    }
}

#[test]
fn all_types_side_by_side_in_several_parts() {
    let server = server();
    let clients = [
        Client::login(server.address(), "JavaScript"),
        Client::login(server.address(), "PythonConnector"),
    ];
    let columns: Vec<String> =
        VALUES.iter().map(|value| format!("IFF(n % 7 = 0, NULL, {value})")).collect();
    let sql = format!(
        "SELECT {} FROM (SELECT SEQ4() AS n FROM TABLE(GENERATOR(ROWCOUNT => 60000)))",
        columns.join(", ")
    );
    compared(&sql, &server, &clients);
}
