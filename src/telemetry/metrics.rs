//! Metrics for CloudWatch, written as log lines in its embedded metric format. CloudWatch reads
//! them from the log, so no request and no agent is needed.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use metrique::emf::Emf;
use metrique::writer::Entry;
use metrique::writer::format::Format;
use metrique::writer::unit::AsBytes;

use super::WorkCost;

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "PhotoCatalogue";

/// The metrics of the work on one object. There are only seven metrics, and they have no
/// dimensions, because CloudWatch charges for each metric beyond ten per month.
#[derive(Entry)]
#[entry(rename_all = "PascalCase")]
struct KeyMetrics<'key> {
    #[entry(timestamp)]
    ended: SystemTime,
    /// The name of the outcome of ingest. It is not a metric, but a property by which log lines can
    /// be filtered.
    outcome: &'key str,
    keys: u64,
    retries: u64,
    skipped: u64,
    duration: Duration,
    requests: u64,
    reads: u64,
    bytes_read: AsBytes<u64>,
}

/// Writes the metrics of the objects that ingest has processed, one line for each object.
pub struct MetricsWriter<W> {
    emf: Mutex<(Emf, W)>,
}

impl<W: Write> MetricsWriter<W> {
    /// Creates a writer of metrics to `writer`. On Lambda this is standard output, which goes to
    /// the function's log.
    pub fn new(writer: W) -> Self {
        let no_dimensions = vec![vec![]];
        let emf = Emf::all_validations(NAMESPACE.to_owned(), no_dimensions);
        MetricsWriter {
            emf: Mutex::new((emf, writer)),
        }
    }

    /// Writes the metrics of one object. `outcome` is the name of the outcome of ingest, or `None`
    /// if the object must be processed again. `duration` and `cost` are the duration and the cost
    /// of the work on the object.
    ///
    /// # Errors
    /// Fails if the writer failed.
    pub fn write(
        &self,
        outcome: Option<&str>,
        duration: Duration,
        cost: WorkCost,
    ) -> io::Result<()> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a metric has the time of its event"
        )]
        let ended = SystemTime::now();
        let key = KeyMetrics {
            ended,
            outcome: outcome.unwrap_or("retried"),
            keys: 1,
            retries: outcome.is_none().into(),
            skipped: (outcome == Some("skipped")).into(),
            duration,
            requests: cost.requests,
            reads: cost.reads,
            bytes_read: cost.bytes_read.into(),
        };
        let mut line = Vec::new();
        let (emf, writer) = &mut *self.emf.lock().unwrap_or_else(PoisonError::into_inner);
        emf.format(&key, &mut line).map_err(io::Error::other)?;
        // The line is written by a single call, because other lines are written to the same place.
        writer.write_all(&line)?;
        writer.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_line_has_the_embedded_metric_format() {
        let metrics = MetricsWriter::new(Vec::new());
        let cost = WorkCost {
            requests: 7,
            reads: 2,
            bytes_read: 98_304,
        };
        let duration = Duration::from_millis(40);
        metrics.write(Some("archived"), duration, cost).unwrap();
        metrics.write(None, duration, WorkCost::default()).unwrap();
        let written = metrics.emf.into_inner().unwrap().1;
        let lines: Vec<Value> = String::from_utf8(written)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["Outcome"], "archived");
        assert_eq!(lines[1]["Outcome"], "retried");
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], NAMESPACE);
        assert_eq!(directive["Dimensions"], serde_json::json!([[]]));
        let metrics: Vec<(&str, &Value)> = directive["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| metric["Name"].as_str().unwrap())
            .map(|name| (name, &lines[0][name]))
            .collect();
        let expected = [
            ("Keys", 1),
            ("Retries", 0),
            ("Skipped", 0),
            ("Duration", 40),
            ("Requests", 7),
            ("Reads", 2),
            ("BytesRead", 98_304),
        ];
        let expected = expected.map(|(name, value)| (name, Value::from(value)));
        let expected: Vec<(&str, &Value)> = expected.iter().map(|(n, v)| (*n, v)).collect();
        assert_eq!(metrics, expected);
        assert_eq!(lines[1]["Retries"], 1);
        assert!(lines[0]["_aws"]["Timestamp"].is_u64());
    }
}
