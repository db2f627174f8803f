//! Columns of every width come back as they were.

use firn_types::{Result, SqlType, Value};

use super::*;

/// Rows enough for three blocks, the last one not full.
const ROWS: usize = 2 * 8192 + 777;

fn same(column: &Column, narrow: &Column, sql_type: SqlType) {
    assert_eq!(column.len(), narrow.len());
    assert_eq!(column.physical(), narrow.physical());
    for row in 0..column.len() {
        assert_eq!(column.value(row, sql_type), narrow.value(row, sql_type), "row {row}");
    }
}

/// Checks whole columns, parts that begin and end anywhere, and lists; gives the narrow form.
fn check(column: &Column, sql_type: SqlType) -> EncodedColumn {
    let narrow = EncodedColumn::of(column);
    assert_eq!(narrow.len(), column.len());
    let rows = column.len();
    for (start, end) in
        [(0, rows), (0, 0), (rows / 3, rows), (1, rows / 2), (rows / 2, rows / 2 + 9)]
    {
        let (start, end) = (start.min(rows), end.min(rows));
        let len = end.saturating_sub(start);
        same(&column.slice(start, len), &narrow.slice(start, len), sql_type);
    }
    check_between(column, &narrow);
    let ascending: Vec<u32> = (0..rows as u32).filter(|row| row % 7 == 3).collect();
    let descending: Vec<u32> = (0..rows as u32).rev().step_by(501).collect();
    for list in [ascending, descending, vec![]] {
        let list = UInt32Array::from(list);
        same(&column.take(&list), &narrow.take(&list), sql_type);
    }
    narrow
}

/// Whether it is 0 or 1.
const BIT: IntegerTest = IntegerTest { low: 0, high: 1, outside: false };

/// Ranges around and between some values of the column, and the widest ones.
fn check_between(column: &Column, narrow: &EncodedColumn) {
    let (Column::Flat(array), rows) = (column, column.len()) else { return };
    if !array.physical().is_integer() {
        return assert!(narrow.passing(&(0..rows), &BIT).is_none());
    }
    let ends = (0..4).filter(|_| rows > 0).map(|n| array.integer(n * rows / 4));
    let mut ends: Vec<i128> = ends
        .flat_map(|end| [end.saturating_sub(1), end, end.saturating_add(1)])
        .chain([i128::MIN, i128::MAX, 0])
        .collect();
    ends.sort_unstable();
    for (start, len) in [(0, rows), (rows / 3, rows / 2), (rows, 0)] {
        let rows = start..start + len;
        for (low, high) in ends.iter().zip(ends.iter().rev()).chain(ends.iter().zip(&ends[1..])) {
            let inside = IntegerTest { low: *low, high: *high, outside: false };
            let Some(found) = narrow.passing(&rows, &inside) else { return };
            assert_eq!(found.len(), len);
            let outside = IntegerTest { outside: true, ..inside };
            let others = narrow.passing(&rows, &outside).expect("packed integers");
            for row in 0..len {
                let value = array.integer(start + row);
                let expected = !array.is_null(start + row) && (low..=high).contains(&&value);
                assert_eq!(found.value(row), expected, "{value} from {low} to {high}");
                let other = !expected && !array.is_null(start + row);
                assert_eq!(others.value(row), other, "{value} not from {low} to {high}");
            }
        }
    }
}

/// Numbers as a scan would hold them.
fn numbers(value: impl Fn(usize) -> Option<i128>, rows: usize) -> Column {
    Column::Flat(crate::column::integers((0..rows).map(value).collect()))
}

#[test]
fn integers_of_every_range_come_back() {
    let number = SqlType::number(38, 0);
    for bits in 0..=126_u32 {
        let top = (1_i128 << bits) - 1;
        for low in [0, -top / 2, -top, i128::from(i32::MIN), 77] {
            let value = |row: usize| match row % 5 {
                0 => low,
                1 => low + top,
                _ => low + (row as i128).wrapping_mul(0x9E37_79B9_7F4A_7C15).rem_euclid(top + 1),
            };
            check(&numbers(|row| Some(value(row)), 300), number);
            check(&numbers(|row| (row % 3 > 0).then(|| value(row)), 77), number);
        }
    }
    check(&numbers(|row| Some([i128::MIN, i128::MAX, 0][row % 3]), 100), number);
    check(&numbers(|row| Some([i64::MIN, i64::MAX][row % 2].into()), ROWS), number);
    check(&numbers(|row| Some([i32::MIN, i32::MAX, -1][row % 3].into()), ROWS), number);
}

#[test]
fn a_block_takes_the_least_power_of_two_of_bits() {
    let bytes = |values: i128| {
        let column = numbers(|row| Some(1_000_000 + row as i128 % values), 8192);
        check(&column, SqlType::INTEGER).memory_bytes().next_multiple_of(128) - 128
    };
    assert_eq!([1, 2, 3, 16, 17, 256, 257].map(bytes), [0, 1024, 2048, 4096, 8192, 8192, 16384]);
}

#[test]
fn each_block_has_its_own_least_value_and_range() {
    let value = |row: usize| match row / 8192 {
        0 => 5_i128,
        1 => -1_000_000 + (row % 11) as i128,
        _ => row as i128 * 1_000_000,
    };
    let narrow = check(&numbers(|row| Some(value(row)), ROWS), SqlType::INTEGER);
    assert!(matches!(narrow.slice(3, 8000), Column::Constant { rows: 8000, .. }));
    assert!(matches!(narrow.slice(3, 8192), Column::Flat(_)));
}

#[test]
fn what_gains_nothing_is_not_copied() {
    let hash = |row: usize| (row as i64).wrapping_mul(0x1E37_79B9_7F4A_7C15);
    let column = numbers(|row| Some(hash(row).into()), ROWS);
    let narrow = check(&column, SqlType::INTEGER);
    let (Array::I64(old), Array::I64(new)) = (column.flat(), narrow.slice(0, ROWS).flat()) else {
        panic!("64-bit integers");
    };
    assert!(old.values().ptr_eq(new.values()));
    let gains = numbers(|row| Some(i128::from(i32::MAX) * 2 + row as i128), ROWS);
    assert!(check(&gains, SqlType::INTEGER).passing(&(0..ROWS), &BIT).is_some());
}

#[test]
fn nulls_do_not_widen_and_rows_of_nulls_alone_are_constant() {
    let one_value = numbers(|row| (row % 2 > 0).then_some(i128::from(i64::MAX)), ROWS);
    let narrow = check(&one_value, SqlType::INTEGER);
    assert!(narrow.memory_bytes() < ROWS / 4, "no more than the mask");
    let nulls = check(&numbers(|row| (row < 8192).then_some(row as i128), ROWS), SqlType::INTEGER);
    assert!(matches!(nulls.slice(8192, 777), Column::Constant { .. }));
    assert!(nulls.slice(0, 8192).nulls().is_none());
    check(&numbers(|_| None, ROWS), SqlType::INTEGER);
    check(&numbers(|_| None, 1), SqlType::INTEGER);
    check(&numbers(|_| None, 0), SqlType::INTEGER);
    check(&numbers(|_| Some(-3), 1), SqlType::INTEGER);
}

#[test]
fn other_types_come_back() -> Result<()> {
    let rows = 1000_i64;
    let column = |sql_type, value: fn(i64) -> Value| -> Result<Column> {
        let values = (0..rows).map(|n| if n % 10 == 4 { Value::Null } else { value(n) });
        Column::from_values(sql_type, &values.collect::<Vec<_>>())
    };
    let date = SqlType::Date;
    check(&column(date, |n| Value::Date(n as i32 * 2_000_000 - 1_000_000_000))?, date);
    let time = SqlType::Time { scale: 9 };
    check(&column(time, |n| Value::Time(n * 86_399_999_999))?, time);
    let timestamp = SqlType::TIMESTAMP_NTZ;
    check(&column(timestamp, |n| Value::Timestamp(i128::from(n) << 40))?, timestamp);
    check(&column(timestamp, |n| Value::Timestamp(i128::from(n) << 80))?, timestamp);
    check(&column(SqlType::Boolean, |n| Value::Boolean(n % 3 == 0))?, SqlType::Boolean);
    check(&column(SqlType::Float, |n| Value::Float(n as f64 / 7.0))?, SqlType::Float);
    check(&column(SqlType::TEXT, |n| Value::text(format!("the text {n}")))?, SqlType::TEXT);
    check(&Column::nulls_of(SqlType::TEXT, 1000), SqlType::TEXT);
    check(&Column::constant(&Value::integer(5), SqlType::INTEGER, 1000)?, SqlType::INTEGER);
    Ok(())
}

#[test]
fn texts_that_repeat_are_held_once_and_others_as_they_are() -> Result<()> {
    let text = |n: usize| Value::text(format!("a text longer than a view, or not {n}"));
    let of = |value: &dyn Fn(usize) -> Value| -> Result<EncodedColumn> {
        let values: Vec<Value> = (0..ROWS).map(value).collect();
        Ok(check(&Column::from_values(SqlType::TEXT, &values)?, SqlType::TEXT))
    };
    let some = |n: usize| if n % 4 == 1 { Value::Null } else { text(n % 2000) };
    let short = |n: usize| Value::text((n % 500).to_string());
    assert_eq!(of(&|n| text(n / 3))?.dictionary_len(), Some(ROWS.div_ceil(3)));
    assert!(of(&some)?.dictionary_len().is_some_and(|values| values <= 2001));
    assert_eq!(of(&short)?.dictionary_len(), Some(500));
    assert_eq!(of(&|_| Value::Null)?.dictionary_len(), Some(1));
    assert_eq!(of(&text)?.dictionary_len(), None);
    assert_eq!(of(&|n| text(n * 2 / 3))?.dictionary_len(), None);
    Ok(())
}

#[test]
fn bytes_that_no_text_refers_to_are_not_kept() -> Result<()> {
    let text = |n: usize| match n % 2 {
        0 => Value::text(format!("short {n}")),
        _ => Value::text(format!("a text that does not fit into its view {n}")),
    };
    let values: Vec<Value> = (0..2 * ROWS).map(text).collect();
    let all = Column::from_values(SqlType::TEXT, &values)?;
    let short = UInt32Array::from_iter_values((0..ROWS as u32).map(|row| row * 2));
    let narrow = check(&all.take(&short), SqlType::TEXT);
    assert_eq!(narrow.dictionary_len(), None);
    assert!(narrow.memory_bytes() < ROWS * 17, "{} bytes", narrow.memory_bytes());
    // Two texts have 11 and 47 bytes, about, and an end each.
    let narrow = check(&all, SqlType::TEXT);
    assert!(narrow.memory_bytes() < ROWS * (11 + 47 + 2 * 4 + 1), "{}", narrow.memory_bytes());
    Ok(())
}

#[test]
fn codes_of_few_and_of_many_values_come_back() -> Result<()> {
    for distinct in [1_u32, 2, 3, 200, 257, 70_000] {
        let texts: Vec<Value> = (0..distinct).map(|n| Value::text(n.to_string())).collect();
        let values = Arc::new(Column::from_values(SqlType::TEXT, &texts)?.flat());
        let code = |row: u32| (row.wrapping_mul(48_271) >> 3) % distinct;
        let all = (0..ROWS as u32).map(|row| Some(code(row)));
        let some = all.clone().enumerate().map(|(row, code)| code.filter(|_| row % 9 > 0));
        for codes in [all.collect::<UInt32Array>(), some.collect()] {
            let column = Column::Dictionary { codes, values: Arc::clone(&values) };
            let narrow = check(&column, SqlType::TEXT);
            assert!(matches!(narrow.slice(5, 5), Column::Dictionary { .. }));
        }
    }
    let none = Arc::new(Array::nulls_of(PhysicalType::Text, 0));
    let codes = UInt32Array::new_null(100);
    check(&Column::Dictionary { codes, values: none }, SqlType::TEXT);
    Ok(())
}
