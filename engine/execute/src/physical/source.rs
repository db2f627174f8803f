//! Nodes without an input.

use std::sync::Arc;

use firn_plan::{CteRef, Generate, StageScan, Values, VirtualScan};
use firn_types::{Error, Result};

use super::{Builder, Stream, Wanted, layout_of, started};
use crate::context::VirtualRows;
use crate::evaluate::Layout;
use crate::operator::Source;
use crate::operators::buffer::{Buffer, BufferSource};
use crate::operators::generate::GenerateSource;
use crate::operators::values::ValuesSource;
use crate::profile::OperatorId;
use crate::spool::SpoolSource;

impl Builder<'_, '_> {
    pub(super) fn values(&mut self, node: &Values, id: OperatorId) -> Result<Stream> {
        let layout = layout_of(&node.columns);
        let source = ValuesSource::new(node.rows.clone(), layout.types());
        Ok(started(Arc::new(source), layout, id))
    }

    pub(super) fn generate(&mut self, node: &Generate, id: OperatorId) -> Result<Stream> {
        Ok(started(Arc::new(GenerateSource { rows: node.rows }), Layout::default(), id))
    }

    pub(super) fn virtual_scan(&mut self, node: &VirtualScan, id: OperatorId) -> Result<Stream> {
        let positions = node.positions.clone();
        let source: Arc<dyn Source> = match self.context.tables.scan(&node.source)? {
            VirtualRows::Batches(batches) => {
                Arc::new(BufferSource { buffer: Arc::new(Buffer::of(batches)), positions })
            }
            VirtualRows::Spool(spool) => Arc::new(SpoolSource { spool, positions }),
        };
        Ok(started(source, layout_of(&node.columns), id))
    }

    pub(super) fn stage_scan(&mut self, node: &StageScan, id: OperatorId) -> Result<Stream> {
        let source = self.context.stages.open(node, id)?;
        Ok(started(source, layout_of(&node.columns()), id))
    }

    pub(super) fn cte_ref(
        &mut self,
        node: &CteRef,
        wanted: &Wanted,
        id: OperatorId,
    ) -> Result<Stream> {
        let buffer = self.ctes.get(&node.cte).cloned();
        let buffer =
            buffer.ok_or_else(|| Error::internal(format!("no enclosing WITH {}", node.cte)))?;
        let layout = layout_of(&node.columns);
        let positions = layout.positions_where(|id| wanted.contains(&id));
        let layout = layout.project(&positions);
        Ok(started(Arc::new(BufferSource { buffer, positions }), layout, id))
    }
}
