//! The kinds of acts of the person in the simulation.

/// A kind of act of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActKind {
    /// Writes a foreign file to the archive.
    DropFile,
    /// Copies or renames a file in the archive. If no work is left, the new name may be one that
    /// uploads use.
    CopyToAnyName,
    /// Copies or renames a file in the archive. The new name is one that no upload uses.
    CopyInArchive,
    RemoveFromArchive,
    RemoveSource,
    /// Uploads a source object again, with the same bytes.
    PutAgain,
    PutUnderSecondKey,
    RenameFolder,
    Hide,
    /// Uploads a new file or an edit.
    Put,
    /// Uploads a sidecar, or an edit of one.
    PutSidecar,
    RemoveSidecar,
    RemoveSidecarFromArchive,
}

/// The number of acts with sidecars at the start of [`ACTS`].
pub(super) const SIDECAR_ACTS: usize = 5;

/// The kinds of acts, from which one is chosen at random. Some are here more than once, so that
/// they are chosen more often.
pub(super) const ACTS: [ActKind; 25] = [
    ActKind::PutSidecar,
    ActKind::PutSidecar,
    ActKind::PutSidecar,
    ActKind::RemoveSidecar,
    ActKind::RemoveSidecarFromArchive,
    ActKind::DropFile,
    ActKind::CopyToAnyName,
    ActKind::CopyInArchive,
    ActKind::RemoveFromArchive,
    ActKind::RemoveFromArchive,
    ActKind::RemoveSource,
    ActKind::PutAgain,
    ActKind::PutUnderSecondKey,
    ActKind::PutUnderSecondKey,
    ActKind::RenameFolder,
    ActKind::Hide,
    ActKind::Hide,
    ActKind::Hide,
    ActKind::Put,
    ActKind::Put,
    ActKind::Put,
    ActKind::Put,
    ActKind::Put,
    ActKind::Put,
    ActKind::Put,
];
