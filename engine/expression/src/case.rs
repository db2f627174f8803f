//! CASE over batches, in three ways.
//!
//! Constant results need no result columns at all: each row gets the number of its branch, which for texts
//! stays a dictionary. Cheap results are computed for all rows and blended. Everything else is computed
//! for the rows that reach it.

use std::sync::Arc;

use arrow::array::{BooleanArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use firn_column::kernels::take;
use firn_column::{Column, PhysicalType};
use firn_types::Result;

use super::compile::{Node, NodeId, Work};
use super::evaluate::Frame;

impl Frame<'_> {
    #[inline(never)]
    pub(super) fn case(
        &self,
        node: &Node,
        branches: &[(NodeId, NodeId)],
        otherwise: Option<NodeId>,
    ) -> Result<Column> {
        let plain = |id: NodeId| self.node(id).cheap && !self.node(id).volatile;
        let conditions = branches.iter().skip(1).all(|(condition, _)| plain(*condition));
        let results = branches.iter().map(|(_, result)| *result).chain(otherwise);
        if conditions && results.clone().all(plain) {
            let is_literal = |id| matches!(self.node(id).work, Work::Literal(_));
            let eager = match results.clone().all(is_literal) {
                true => self.case_of_constants(branches, otherwise),
                false => self.case_blended(node, branches, otherwise),
            };
            // A failure may be that of a row that never reaches the branch.
            if let Ok(column) = eager {
                return Ok(column);
            }
        }
        self.case_by_rows(node, branches, otherwise)
    }

    fn case_of_constants(
        &self,
        branches: &[(NodeId, NodeId)],
        otherwise: Option<NodeId>,
    ) -> Result<Column> {
        let mut literals: Vec<Column> = Vec::with_capacity(branches.len() + 1);
        for id in branches.iter().map(|(_, result)| *result).chain(otherwise) {
            if let Work::Literal(value) = &self.node(id).work {
                literals.push(Column::Flat(value.clone()));
            }
        }
        let all = Column::concat(&literals.iter().collect::<Vec<_>>())?;
        // Without ELSE, the number after the last branch is NULL's.
        let mut codes = vec![branches.len() as u32; self.rows];
        for (number, (condition, _)) in branches.iter().enumerate().rev() {
            let truths = self.truths(*condition)?;
            match truths.count_set_bits() * 4 > self.rows {
                true => codes.iter_mut().zip(truths.iter()).for_each(|(code, is_true)| {
                    *code = if is_true { number as u32 } else { *code };
                }),
                false => {
                    truths.set_indices().for_each(|row| codes[row] = number as u32);
                }
            }
        }
        let values = all.flat();
        let is_null: Vec<bool> =
            (0..=branches.len()).map(|code| code >= values.len() || values.is_null(code)).collect();
        let nulls = is_null
            .contains(&true)
            .then(|| codes.iter().map(|&code| !is_null[code as usize]).collect::<NullBuffer>());
        let dictionary = matches!(values.physical(), PhysicalType::Text | PhysicalType::Bytes);
        if dictionary && !is_null[..values.len()].contains(&true) {
            let codes = UInt32Array::new(codes.into(), nulls);
            return Ok(Column::Dictionary { codes, values: Arc::new(values) });
        }
        Ok(Column::Flat(values).take(&UInt32Array::new(codes.into(), nulls)))
    }

    fn case_blended(
        &self,
        node: &Node,
        branches: &[(NodeId, NodeId)],
        otherwise: Option<NodeId>,
    ) -> Result<Column> {
        let mut answer = match otherwise {
            Some(id) => self.column(id)?,
            None => Column::nulls_of(node.sql_type, self.rows),
        };
        for (condition, result) in branches.iter().rev() {
            let truths = BooleanArray::new(self.truths(*condition)?, None);
            answer = take::blend(&truths, &self.column(*result)?, &answer)?;
        }
        Ok(answer)
    }

    fn case_by_rows(
        &self,
        node: &Node,
        branches: &[(NodeId, NodeId)],
        otherwise: Option<NodeId>,
    ) -> Result<Column> {
        let mut parts: Vec<(UInt32Array, Column)> = Vec::new();
        let mut rest = UInt32Array::from_iter_values(0..self.rows as u32);
        for (condition, result) in branches {
            let truths = match rest.len() == self.rows {
                true => self.truths(*condition)?,
                false => self.choose(&rest).truths(*condition)?,
            };
            let reached = chosen(&rest, &truths);
            if !reached.is_empty() {
                parts.push(self.result(*result, reached)?);
                rest = chosen(&rest, &!&truths);
            }
            if rest.is_empty() {
                break;
            }
        }
        if let Some(id) = otherwise.filter(|_| !rest.is_empty()) {
            parts.push(self.result(id, rest)?);
        }
        match parts.as_slice() {
            [] => Ok(Column::nulls_of(node.sql_type, self.rows)),
            [(reached, column)] if reached.len() == self.rows => Ok(column.clone()),
            parts => {
                let parts: Vec<(&UInt32Array, &Column)> =
                    parts.iter().map(|(reached, column)| (reached, column)).collect();
                take::scatter(&parts, self.rows)
            }
        }
    }

    /// A result's values for the rows that reach it.
    fn result(&self, id: NodeId, reached: UInt32Array) -> Result<(UInt32Array, Column)> {
        let column = match reached.len() == self.rows {
            true => self.column(id)?,
            false => self.choose(&reached).column(id)?,
        };
        Ok((reached, column))
    }
}

/// The rows whose bit is set.
pub(super) fn chosen(rows: &UInt32Array, bits: &BooleanBuffer) -> UInt32Array {
    UInt32Array::from_iter_values(bits.set_indices().map(|index| rows.value(index)))
}
