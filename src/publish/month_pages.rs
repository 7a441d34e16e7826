//! Reads the photos of one month from the index by-date, page by page.

use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::mpsc;

use super::month_name::UNDATED;
use crate::catalogue::query::{PhotoIndex, PhotoPage, Segment};
use crate::catalogue::{Catalogue, CatalogueError};

/// The maximum number of photos in one response of a query. DynamoDB ends a response at 1 MB in any
/// case.
const PHOTOS_PER_PAGE: u32 = 1_000;
/// The maximum number of pages of the second half of a month that are read in advance, while the
/// caller still processes the first half.
const PAGES_AHEAD: usize = 24;

/// The pages of a month's photos, in the order of the index by-date.
pub(super) type MonthPages = BoxStream<'static, Result<PhotoPage, CatalogueError>>;

/// Returns the pages of a month's photos, in the order of the index by-date. After the first page,
/// reads both halves of the month at the same time, while the caller processes the pages that have
/// been read.
pub(super) async fn read_month_pages(
    catalogue: &Catalogue,
    month: &str,
) -> Result<MonthPages, CatalogueError> {
    let segment = month_segment(month);
    let first = catalogue
        .query_segment(&segment, PHOTOS_PER_PAGE, None)
        .await?;
    let after = first.next_after.clone();
    let pages = stream::iter([Ok(first)]);
    let Some(after) = after else {
        return Ok(pages.boxed());
    };
    let (near, far) = split_remainder(month, segment, &after);
    let near = pages.chain(prefetch_pages(catalogue, near, Some(after), 1));
    Ok(match far {
        Some(far) => near
            .chain(prefetch_pages(catalogue, far, None, PAGES_AHEAD))
            .boxed(),
        None => near.boxed(),
    })
}

/// Returns the pages of a segment that follow the sort key `after`. A separate task reads up to
/// `capacity` pages before the caller needs them. The task ends when the stream is dropped.
fn prefetch_pages(
    catalogue: &Catalogue,
    segment: Segment,
    after: Option<String>,
    capacity: usize,
) -> impl Stream<Item = Result<PhotoPage, CatalogueError>> + Send + use<> {
    let (sender, mut receiver) = mpsc::channel(capacity);
    let pages = catalogue.query_pages(segment, PHOTOS_PER_PAGE, after);
    tokio::spawn(async move {
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.next().await {
            if sender.send(page).await.is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// Splits the rest of a month at the end of its 15th day. The rest begins after the sort key
/// `after`. The second segment is `None` if `after` is already in the second half of the month, or
/// if the month is `undated`.
fn split_remainder(month: &str, segment: Segment, after: &str) -> (Segment, Option<Segment>) {
    // This text sorts between the last sort key of the 15th and the first of the 16th.
    let middle = format!("{month}-15~");
    if month == UNDATED || after > middle.as_str() {
        return (segment, None);
    }
    let far = Segment {
        from: Some(middle.clone()),
        ..segment.clone()
    };
    let near = Segment {
        to: Some(middle),
        ..segment
    };
    (near, Some(far))
}

/// Returns the segment of the index by-date that contains all photos of a month.
fn month_segment(month: &str) -> Segment {
    let (partition, from, to) = match month {
        UNDATED => (UNDATED, None, None),
        _ => (
            month.get(..4).unwrap_or(month),
            Some(format!("{month}-")),
            // `~` sorts after every character of a sort key.
            Some(format!("{month}-~")),
        ),
    };
    Segment {
        index: PhotoIndex::ByDate,
        partition: partition.to_owned(),
        from,
        to,
        descending: false,
    }
}
