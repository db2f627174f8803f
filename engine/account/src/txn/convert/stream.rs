//! Streams.

use firn_storage::format::v1;
use firn_types::ObjectId;

use super::object::{header_from, header_to};
use crate::catalog::{Stream, StreamMode};

pub(super) fn stream_to(stream: &Stream) -> v1::Stream {
    v1::Stream {
        header: header_to(&stream.header),
        source: stream.source.0,
        tables: stream.tables.iter().map(|table| table.0).collect(),
        append_only: stream.mode == StreamMode::AppendOnly,
        insert_only: stream.mode == StreamMode::InsertOnly,
        offset: stream.offset,
        offset_nanos: stream.offset_nanos,
        initial: stream.initial,
    }
}

pub(super) fn stream_from(stream: v1::Stream) -> Stream {
    Stream {
        header: header_from(stream.header),
        source: ObjectId(stream.source),
        tables: stream.tables.into_iter().map(ObjectId).collect(),
        mode: match (stream.append_only, stream.insert_only) {
            (_, true) => StreamMode::InsertOnly,
            (true, false) => StreamMode::AppendOnly,
            (false, false) => StreamMode::Default,
        },
        offset: stream.offset,
        offset_nanos: stream.offset_nanos,
        initial: stream.initial,
    }
}
