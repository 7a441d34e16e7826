//! The body of a request, with a limit on the time for which the server waits for it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

/// The limits of the time for which a server waits for the body of a request. Time in which the
/// server itself is busy does not count.
#[derive(Debug, Clone, Copy)]
pub struct BodyPatience {
    /// The maximum time between two pieces of the body.
    pub max_pause: Duration,
    /// The time that is always allowed for the whole body.
    pub base_time: Duration,
    /// The number of received bytes that allow one more second for the whole body.
    pub bytes_per_second: u32,
}

impl Default for BodyPatience {
    /// 20 seconds for a pause. A minute for the whole body, and one more second for each KiB.
    fn default() -> Self {
        BodyPatience {
            max_pause: Duration::from_secs(20),
            base_time: Duration::from_secs(60),
            bytes_per_second: 1024,
        }
    }
}

impl BodyPatience {
    /// Returns the time for which the server may wait for the next piece of a body of which
    /// `received` bytes have arrived, after it waited for `waited` in total.
    fn next_pause(&self, received: u64, waited: Duration) -> Duration {
        let earned = received / u64::from(self.bytes_per_second.max(1));
        let allowed = self.base_time.saturating_add(Duration::from_secs(earned));
        self.max_pause.min(allowed.saturating_sub(waited))
    }
}

/// The body of a request to a server of this crate. It fails with [`io::ErrorKind::TimedOut`] if
/// the client sends it too slowly ([`BodyPatience`]). The connection is closed after the response
/// then, because a part of the body was not read.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Incoming,
    patience: BodyPatience,
    /// The number of bytes that were received.
    received: u64,
    /// The time for which the server has waited for the pieces that were received.
    waited: Duration,
    /// The wait for the next piece, if the server waits for one.
    pause: Option<Pause>,
}

#[derive(Debug)]
struct Pause {
    began: Instant,
    end: Pin<Box<Sleep>>,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, patience: BodyPatience) -> Self {
        RequestBody {
            incoming,
            patience,
            received: 0,
            waited: Duration::ZERO,
            pause: None,
        }
    }

    /// Waits for the end of the present pause. Begins a pause if there is none.
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let (patience, received, waited) = (self.patience, self.received, self.waited);
        let pause = self.pause.get_or_insert_with(|| Pause {
            began: Instant::now(),
            end: Box::pin(sleep(patience.next_pause(received, waited))),
        });
        pause.end.as_mut().poll(context)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.incoming).poll_frame(context);
        let Poll::Ready(frame) = polled else {
            return self.poll_pause(context).map(|()| {
                let text = "the client sent the body of its request too slowly";
                tracing::debug!(received = self.received, "{text}");
                Some(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            });
        };
        if let Some(pause) = self.pause.take() {
            self.waited += pause.began.elapsed();
        }
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok())
            .and_then(Frame::data_ref)
        {
            self.received += data.len() as u64;
        }
        Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_is_limited_and_the_whole_time_grows_with_the_bytes() {
        let patience = BodyPatience {
            max_pause: Duration::from_secs(20),
            base_time: Duration::from_secs(60),
            bytes_per_second: 1024,
        };
        for (received, waited, pause) in [
            (0, 0, 20),
            (0, 45, 15),
            (1023, 60, 0),
            (10 * 1024, 60, 10),
            (10 * 1024, 71, 0),
            (1 << 30, 1 << 20, 20),
            (1 << 30, (1 << 20) + 60, 0),
            (u64::MAX, 60, 20),
        ] {
            let allowed = patience.next_pause(received, Duration::from_secs(waited));
            assert_eq!(allowed, Duration::from_secs(pause), "{received} {waited}");
        }
    }
}
