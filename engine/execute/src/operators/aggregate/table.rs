//! Groups with their running aggregates.

use firn_column::row_key::GroupTable;
use firn_column::{Array, Batch, Column};
use firn_functions::Accumulator;
use firn_types::{Error, Result, SqlType, Value};

use super::AggregateSpec;

/// Groups with their running aggregates.
pub(super) struct Table {
    groups: GroupTable,
    accumulators: Vec<Box<dyn Accumulator>>,
    of_row: Vec<u32>,
}

impl Table {
    pub(super) fn new(spec: &AggregateSpec) -> Table {
        let accumulators = spec.calls.iter().map(|call| (call.binding.create)());
        let mut table = Table {
            groups: GroupTable::new(&spec.key_types()),
            accumulators: accumulators.collect(),
            of_row: Vec::new(),
        };
        if spec.is_ungrouped() {
            table.accumulators.iter_mut().for_each(|accumulator| accumulator.resize(1));
        }
        table
    }

    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let states: usize = self.accumulators.iter().map(|a| a.memory_bytes()).sum();
        self.groups.memory_bytes() + states
    }

    /// Adds rows to the one group of an aggregation without keys.
    pub(super) fn add_ungrouped(
        &mut self,
        spec: &AggregateSpec,
        inputs: &[Column],
        rows: usize,
    ) -> Result<()> {
        for (call, accumulator) in spec.calls.iter().zip(&mut self.accumulators) {
            accumulator.update_all(rows, &inputs[call.arguments.clone()])?;
        }
        Ok(())
    }

    /// Adds rows with these keys; `inputs` has the arguments at the places that the calls say.
    pub(super) fn add(
        &mut self,
        spec: &AggregateSpec,
        keys: &[Column],
        inputs: &[Column],
        rows: usize,
    ) -> Result<()> {
        self.groups.find_or_insert(keys, rows, &mut self.of_row)?;
        let groups = self.groups.len();
        for (call, accumulator) in spec.calls.iter().zip(&mut self.accumulators) {
            accumulator.resize(groups);
            accumulator.update(&self.of_row, &inputs[call.arguments.clone()])?;
        }
        Ok(())
    }

    /// Adds rows whose columns are the keys and then all arguments.
    pub(super) fn add_batch(&mut self, spec: &AggregateSpec, batch: Batch) -> Result<()> {
        let (rows, mut keys) = (batch.rows(), batch.into_columns());
        let arguments = keys.split_off(spec.key_types().len());
        // Calls count their arguments from the first key of the inputs.
        let mut inputs = keys[..spec.keys].to_vec();
        inputs.extend(arguments);
        self.add(spec, &keys, &inputs, rows)
    }

    /// Adds another table's groups.
    pub(super) fn merge(&mut self, keys: &[Column], states: States) -> Result<()> {
        self.groups.find_or_insert(keys, states.groups, &mut self.of_row)?;
        let groups = self.groups.len();
        for (own, other) in self.accumulators.iter_mut().zip(states.accumulators) {
            own.resize(groups);
            own.merge(other, &self.of_row)?;
        }
        Ok(())
    }

    /// Adds another table of an aggregation without keys.
    fn merge_ungrouped(&mut self, other: Table) -> Result<()> {
        for (own, other) in self.accumulators.iter_mut().zip(other.accumulators) {
            own.merge(other, &[0])?;
        }
        Ok(())
    }

    /// Adds another table.
    pub(super) fn merge_table(&mut self, spec: &AggregateSpec, other: Table) -> Result<()> {
        if spec.is_ungrouped() {
            return self.merge_ungrouped(other);
        }
        let (keys, states) = other.into_states()?;
        self.merge(&keys, states)
    }

    /// The keys of all groups, and their states.
    pub(super) fn into_states(self) -> Result<(Vec<Column>, States)> {
        let groups = self.groups.len();
        let keys = self.groups.into_keys()?;
        Ok((keys, States { accumulators: self.accumulators, groups }))
    }

    /// Gives every empty grouping set its row when there was no row at all.
    pub(super) fn add_empty_sets(&mut self, spec: &AggregateSpec) -> Result<()> {
        let sets = spec.sets.iter().flatten().enumerate();
        for (set, _) in sets.filter(|(_, keys)| keys.is_empty()) {
            let inputs: Vec<Column> =
                spec.inputs.types().iter().map(|sql_type| Column::nulls_of(*sql_type, 1)).collect();
            let keys = keys_of_set(spec, set, &inputs, 1)?;
            self.groups.find_or_insert(&keys, 1, &mut self.of_row)?;
        }
        let groups = self.groups.len();
        if !spec.is_ungrouped() {
            self.accumulators.iter_mut().for_each(|accumulator| accumulator.resize(groups));
        }
        Ok(())
    }

    /// The answers: keys, calls, grouping id.
    pub(super) fn finish(self, spec: &AggregateSpec) -> Result<Batch> {
        let (keys, mut states) = self.into_states()?;
        if spec.is_ungrouped() {
            states.groups = 1;
        }
        states.finish(keys, spec)
    }
}

/// The states of some groups, without their keys.
pub(super) struct States {
    pub(super) accumulators: Vec<Box<dyn Accumulator>>,
    pub(super) groups: usize,
}

impl States {
    /// The answers: keys, calls, grouping id.
    pub(super) fn finish(self, keys: Vec<Column>, spec: &AggregateSpec) -> Result<Batch> {
        let mut columns = keys;
        let set = if spec.sets.is_some() { columns.pop() } else { None };
        for accumulator in self.accumulators {
            columns.push(accumulator.finish()?);
        }
        if let (Some(set), true) = (set, spec.grouping_id) {
            columns.push(grouping_ids(spec, &set)?);
        }
        Ok(Batch::new(columns, self.groups))
    }
}

/// The keys of rows within a grouping set: NULL where the set has no key, and the set's number.
pub(super) fn keys_of_set(
    spec: &AggregateSpec,
    set: usize,
    inputs: &[Column],
    rows: usize,
) -> Result<Vec<Column>> {
    let members = spec.sets.as_ref().and_then(|sets| sets.get(set));
    let members = members.ok_or_else(|| Error::internal("a grouping set that is not there"))?;
    let key = |position: usize| match members.contains(&position) {
        true => inputs[position].clone(),
        false => Column::nulls_of(spec.inputs.types()[position], rows),
    };
    let mut keys: Vec<Column> = (0..spec.keys).map(key).collect();
    keys.push(Column::constant(&Value::integer(set as i128), SqlType::INTEGER, rows)?);
    Ok(keys)
}

/// For each group's set, a number with the bits of the keys that the set does not have.
fn grouping_ids(spec: &AggregateSpec, sets: &Column) -> Result<Column> {
    let missing = |members: &Vec<usize>| {
        let bits = (0..spec.keys.min(127)).filter(|key| !members.contains(key));
        Value::integer(bits.map(|key| 1_i128 << key).sum::<i128>())
    };
    let of_set: Vec<Value> = spec.sets.iter().flatten().map(missing).collect();
    let sets: Array = sets.flat();
    let ids = (0..sets.len()).map(|row| &of_set[sets.integer(row) as usize]);
    Column::from_values(SqlType::INTEGER, ids)
}
