//! The clock, which programs pass to the services. Tests pass a clock of their own.

use std::sync::Arc;

use chrono::{DateTime, Utc};

/// A function that returns the current time: `Arc::new(Utc::now)`, or the clock of a test.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
