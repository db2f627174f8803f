//! Groups, joins and orders of random rows against plain maps and sorts of values.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::UInt32Array;
use firn_types::value::TimestampTz;
use firn_types::{Result, SqlType, Value};

use super::hash::mix;
use super::join::{MatchCursor, NONE, ProbeScratch};
use super::*;
use crate::Column;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % end
    }

    fn value(&mut self, sql_type: SqlType, spread: u64) -> Value {
        if self.below(10) == 0 {
            return Value::Null;
        }
        let number = self.below(spread) as i64 - (spread / 2) as i64;
        match sql_type {
            SqlType::Number { .. } if spread > 1 << 60 => {
                Value::integer(i128::from(number) << (self.below(60)))
            }
            SqlType::Number { .. } => Value::integer(number),
            SqlType::Float => Value::Float(
                [number as f64 / 4.0, 0.0, f64::NAN][usize::from(self.below(9) == 0) * 2],
            ),
            SqlType::Boolean => Value::Boolean(number % 2 == 0),
            SqlType::Date => Value::Date(number as i32),
            SqlType::Varchar { .. } => {
                let text = format!("{number}{}", "\0z".repeat(self.below(2) as usize));
                Value::text(if spread > 1000 { format!("a longer text {text}") } else { text })
            }
            SqlType::Binary { .. } => Value::Binary(number.to_be_bytes()[6..].into()),
            SqlType::TimestampTz { .. } => Value::TimestampTz(TimestampTz {
                utc_nanos: i128::from(number),
                offset_minutes: self.below(3) as i16 * 60,
            }),
            other => unreachable!("{other}"),
        }
    }

    /// A column in one of the forms, with its values.
    fn column(&mut self, sql_type: SqlType, rows: usize, spread: u64) -> (Column, Vec<Value>) {
        let values: Vec<Value> = (0..rows).map(|_| self.value(sql_type, spread)).collect();
        let flat = Column::from_values(sql_type, &values).expect("values of the type");
        match self.below(4) {
            0 => {
                let value = values[0].clone();
                let constant = Column::constant(&value, sql_type, rows).expect("of the type");
                (constant, vec![value; rows])
            }
            1 => {
                let known: Vec<&Value> = values.iter().take(5).filter(|v| !v.is_null()).collect();
                let codes: Vec<Option<u32>> = (0..rows)
                    .map(|_| (self.below(100) as usize).checked_rem(known.len()).map(|c| c as u32))
                    .collect();
                let values =
                    codes.iter().map(|c| c.map_or(Value::Null, |c| known[c as usize].clone()));
                let values = values.collect();
                let array = Column::from_values(sql_type, known).expect("of the type").flat();
                let codes = UInt32Array::from(codes);
                (Column::Dictionary { codes, values: Arc::new(array) }, values)
            }
            _ => (flat, values),
        }
    }
}

/// A value's identity as a group, as text.
fn identity(value: &Value) -> String {
    match value {
        Value::Float(f) if f.is_nan() => "NaN".to_string(),
        Value::Float(f) => format!("{:?}", f + 0.0),
        Value::TimestampTz(t) => format!("{}", t.utc_nanos),
        other => format!("{other:?}"),
    }
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => l.unscaled.cmp(&r.unscaled),
        (Value::Float(l), Value::Float(r)) if l.is_nan() || r.is_nan() => {
            l.is_nan().cmp(&r.is_nan())
        }
        (Value::Float(l), Value::Float(r)) => l.partial_cmp(r).unwrap_or(Ordering::Equal),
        (Value::Text(l), Value::Text(r)) => l.as_bytes().cmp(r.as_bytes()),
        (Value::Binary(l), Value::Binary(r)) => l.cmp(r),
        (Value::Boolean(l), Value::Boolean(r)) => l.cmp(r),
        (Value::Date(l), Value::Date(r)) => l.cmp(r),
        (Value::TimestampTz(l), Value::TimestampTz(r)) => l.utc_nanos.cmp(&r.utc_nanos),
        other => unreachable!("{other:?}"),
    }
}

const KEYS: &[&[SqlType]] = &[
    &[SqlType::INTEGER],
    &[SqlType::Date],
    &[SqlType::TEXT],
    &[SqlType::Float],
    &[SqlType::Boolean, SqlType::Date],
    &[SqlType::INTEGER, SqlType::INTEGER],
    &[SqlType::TEXT, SqlType::TEXT, SqlType::INTEGER],
    &[SqlType::BINARY, SqlType::Float],
    &[SqlType::TIMESTAMP_TZ],
    &[SqlType::INTEGER, SqlType::TIMESTAMP_TZ, SqlType::TEXT],
    &[],
];
const SPREADS: [u64; 5] = [4, 300, 100_000, 1 << 40, u64::MAX / 2];

fn keys_of(columns: &[(Column, Vec<Value>)], row: usize) -> Vec<String> {
    columns.iter().map(|(_, values)| identity(&values[row])).collect()
}

#[test]
fn groups_are_those_of_a_map_while_the_keys_outgrow_each_layout() -> Result<()> {
    let mut random = Random(3);
    for round in 0..200 {
        let types = KEYS[round % KEYS.len()];
        let mut table = GroupTable::new(types);
        let mut map: HashMap<Vec<String>, u32> = HashMap::new();
        let mut first: Vec<Vec<Value>> = Vec::new();
        for _ in 0..6 {
            let rows = 1 + random.below(200) as usize;
            let spread = SPREADS[random.below(5) as usize];
            let columns: Vec<(Column, Vec<Value>)> =
                types.iter().map(|&t| random.column(t, rows, spread)).collect();
            let keys: Vec<Column> = columns.iter().map(|(column, _)| column.clone()).collect();
            let mut groups = Vec::new();
            table.find_or_insert(&keys, rows, &mut groups)?;
            assert_eq!(groups.len(), rows);
            for (row, &group) in groups.iter().enumerate() {
                let next = map.len() as u32;
                let expected = *map.entry(keys_of(&columns, row)).or_insert_with(|| {
                    first.push(columns.iter().map(|(_, values)| values[row].clone()).collect());
                    next
                });
                assert_eq!(group, expected, "{types:?} round {round} row {row}");
            }
        }
        assert_eq!(table.len(), map.len());
        for (position, column) in table.into_keys()?.iter().enumerate() {
            for (group, values) in first.iter().enumerate() {
                let got = column.value(group, types[position]);
                assert_eq!(identity(&got), identity(&values[position]));
            }
        }
    }
    Ok(())
}

#[test]
fn a_join_finds_exactly_the_pairs_of_a_nested_loop_in_order() -> Result<()> {
    let mut random = Random(4);
    for round in 0..150 {
        let types = KEYS[round % (KEYS.len() - 1)];
        let null_safe = random.below(2) == 0;
        let side = |random: &mut Random, spread| -> Vec<(Column, Vec<Value>)> {
            types.iter().map(|&t| random.column(t, 60, spread)).collect()
        };
        let spread = SPREADS[random.below(5) as usize];
        let build: Vec<Vec<(Column, Vec<Value>)>> =
            (0..3).map(|_| side(&mut random, spread)).collect();
        let columns = |side: &[(Column, Vec<Value>)]| -> Vec<Column> {
            side.iter().map(|(column, _)| column.clone()).collect()
        };
        let batches: Vec<Vec<Column>> = build.iter().map(|b| columns(b)).collect();
        let table = JoinTable::build(types, &batches, null_safe)?;
        let probe_spread = SPREADS[random.below(5) as usize];
        let probe = side(&mut random, probe_spread);
        let (mut first_matches, mut scratch) = (Vec::new(), ProbeScratch::default());
        table.look_up(&columns(&probe), 60, &mut scratch, &mut first_matches)?;
        let (mut probe_rows, mut build_rows) = (Vec::new(), Vec::new());
        let mut cursor = MatchCursor::default();
        while table.expand(
            &first_matches,
            &mut cursor,
            probe_rows.len() + 7,
            &mut probe_rows,
            &mut build_rows,
        ) {}
        let mut expected = Vec::new();
        for row in 0..60 {
            let key = keys_of(&probe, row);
            let null = probe.iter().any(|(_, values)| values[row].is_null());
            let before = expected.len();
            for build_row in (0..180).filter(|_| null_safe || !null) {
                if keys_of(&build[build_row / 60], build_row % 60) == key {
                    expected.push((row as u32, build_row as u32));
                }
            }
            assert_eq!(first_matches[row] != NONE, expected.len() > before);
        }
        let got: Vec<(u32, u32)> = probe_rows.into_iter().zip(build_rows).collect();
        assert_eq!(got, expected, "{types:?} round {round}");
    }
    Ok(())
}

#[test]
fn packed_and_encoded_keys_sort_as_the_values_do() -> Result<()> {
    let mut random = Random(5);
    for round in 0..300 {
        let types = KEYS[round % (KEYS.len() - 1)];
        let spread = SPREADS[random.below(5) as usize];
        let orders: Vec<KeyOrder> = types
            .iter()
            .map(|_| KeyOrder {
                descending: random.below(2) == 0,
                nulls_first: random.below(2) == 0,
            })
            .collect();
        let columns: Vec<(Column, Vec<Value>)> =
            types.iter().map(|&t| random.column(t, 40, spread)).collect();
        let keys: Vec<Column> = columns.iter().map(|(column, _)| column.clone()).collect();
        let expected = |l: usize, r: usize| {
            let by_column = columns.iter().zip(&orders).map(|((_, values), order_by)| {
                match (&values[l], &values[r]) {
                    (Value::Null, Value::Null) => Ordering::Equal,
                    (Value::Null, _) if order_by.nulls_first => Ordering::Less,
                    (Value::Null, _) => Ordering::Greater,
                    (_, Value::Null) if order_by.nulls_first => Ordering::Greater,
                    (_, Value::Null) => Ordering::Less,
                    (l, r) if order_by.descending => order(r, l),
                    (l, r) => order(l, r),
                }
            });
            by_column.fold(Ordering::Equal, Ordering::then)
        };
        let mut encoded = RowKeys::default();
        KeyEncoder::new(types, &orders).encode(&keys, 40, &mut encoded)?;
        let mut packed = Packed::<u128>::default();
        let mut is_packed = false;
        if let Some(mut layout) = KeyLayout::new(types, &orders) {
            layout.widen(&keys)?;
            is_packed = layout.bits() <= 128;
            if is_packed {
                layout.pack(&keys, 40, false, &mut packed)?;
                assert!(!packed.any_miss());
            }
        }
        for l in 0..40 {
            for r in 0..40 {
                let expected = expected(l, r);
                assert_eq!(
                    encoded.key(l).cmp(encoded.key(r)),
                    expected,
                    "encoded {types:?} {orders:?} {l} {r} {columns:?}"
                );
                if is_packed {
                    assert_eq!(
                        packed.keys[l].cmp(&packed.keys[r]),
                        expected,
                        "packed {types:?} {orders:?} {l} {r} {columns:?}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn variants_are_one_group_when_they_are_equal() -> Result<()> {
    use firn_types::variant::Builder;
    let encode = |fill: &dyn Fn(&mut Builder)| -> Result<Value> {
        let (mut builder, mut bytes) = (Builder::new(), Vec::new());
        fill(&mut builder);
        builder.finish(&mut bytes)?;
        Ok(Value::Variant(bytes.into()))
    };
    let values = [
        encode(&|b| b.integer(1))?,
        encode(&|b| b.float(1.0))?,
        encode(&|b| b.text("1"))?,
        Value::Null,
        encode(&|b| b.null())?,
        encode(&|b| b.integer(1))?,
    ];
    let column = Column::from_values(SqlType::Variant, &values)?;
    let mut groups = Vec::new();
    GroupTable::new(&[SqlType::Variant]).find_or_insert(
        std::slice::from_ref(&column),
        6,
        &mut groups,
    )?;
    assert_eq!(groups, [0, 0, 1, 2, 3, 0]);
    let mut hashes = Vec::new();
    super::hash::hash_columns(&[column], &[SqlType::Variant], &mut hashes)?;
    assert_eq!(hashes[0], hashes[1]);
    Ok(())
}

#[test]
fn sorted_rows_are_in_the_order_of_their_encoded_keys_and_stable() -> Result<()> {
    let mut random = Random(6);
    for round in 0..60 {
        let types = KEYS[round % (KEYS.len() - 1)];
        let rows = [3, 700][round % 2];
        let spread = SPREADS[random.below(5) as usize];
        let orders: Vec<KeyOrder> = types
            .iter()
            .map(|_| KeyOrder {
                descending: random.below(2) == 0,
                nulls_first: random.below(2) == 0,
            })
            .collect();
        let mut batches = Vec::new();
        let mut expected = Vec::new();
        for number in 0..3 {
            let columns: Vec<Column> =
                types.iter().map(|&t| random.column(t, rows, spread).0).collect();
            let mut keys = RowKeys::default();
            KeyEncoder::new(types, &orders).encode(&columns, rows, &mut keys)?;
            expected.extend((0..rows).map(|row| (keys.key(row).to_vec(), number, row as u32)));
            batches.push(columns);
        }
        expected.sort();
        let got = sort_rows(types, &orders, &batches)?;
        let got: Vec<(u32, u32)> = got.into_iter().map(|of| (of.batch, of.row)).collect();
        let expected: Vec<(u32, u32)> =
            expected.into_iter().map(|(_, batch, row)| (batch, row)).collect();
        assert_eq!(got, expected, "{types:?} {orders:?}");
    }
    Ok(())
}

#[test]
fn batches_over_one_dictionary_share_its_groups() -> Result<()> {
    let text = |text: &str| Value::Text(text.into());
    let values: Vec<Value> =
        ["one", "a text longer than twelve bytes", "one", "never"].map(text).to_vec();
    let Column::Flat(values) = Column::from_values(SqlType::TEXT, values.iter())? else {
        unreachable!("texts that differ")
    };
    let values = Arc::new(values);
    let batch = |codes: Vec<Option<u32>>| Column::Dictionary {
        codes: UInt32Array::from(codes),
        values: Arc::clone(&values),
    };
    let mut table = GroupTable::new(&[SqlType::TEXT]);
    let mut groups = Vec::new();
    table.find_or_insert(&[batch(vec![Some(1), None, Some(1)])], 3, &mut groups)?;
    assert_eq!(groups, [0, 1, 0]);
    table.find_or_insert(&[batch(vec![Some(2), Some(1), Some(0), None])], 4, &mut groups)?;
    assert_eq!(groups, [2, 0, 2, 1]);
    let flat = Column::from_values(SqlType::TEXT, [text("never"), text("one")].iter())?;
    table.find_or_insert(&[flat], 2, &mut groups)?;
    assert_eq!(groups, [3, 2]);
    table.find_or_insert(&[batch(vec![Some(3), None, Some(0)])], 3, &mut groups)?;
    assert_eq!(groups, [3, 1, 2]);
    assert_eq!(table.len(), 4);
    Ok(())
}
