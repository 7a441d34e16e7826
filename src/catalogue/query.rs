//! List queries (being written).
