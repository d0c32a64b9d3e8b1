using System.Collections.Immutable;

namespace MailGrains.Messages.Submission;

/// <summary>Why the header section of a submitted message can't be taken.</summary>
public enum HeaderFault
{
    None = 0,

    /// <summary>A line that is no field: without a name and a colon right behind it, or a folded line without a field.</summary>
    MalformedField = 1,

    /// <summary>A bare CR, a bare LF or NUL; in a sender's field any other control character too, encoded words included.</summary>
    ControlCharacter = 2,

    /// <summary>Octets beyond US-ASCII that are no UTF-8 (RFC 6532 §3.2).</summary>
    NotUtf8 = 3,

    /// <summary>Octets beyond US-ASCII without SMTPUTF8 (RFC 6531 §3.4).</summary>
    NeedsSmtpUtf8 = 4,

    /// <summary>There is no From field, or it names nobody (RFC 5322 §3.6.2).</summary>
    NoFrom = 5,

    /// <summary>A second From or Sender field (RFC 5322 §3.6).</summary>
    RepeatedField = 6,

    /// <summary>An address that programs could read in two ways, or not at all.</summary>
    UnclearAddress = 7,

    /// <summary>More than <see cref="HeaderRepair.MaxSenders"/> addresses claim to be the sender.</summary>
    TooManySenders = 8,

    /// <summary>Several authors, and no Sender field that says who of them sent it (RFC 5322 §3.6.2).</summary>
    NoSender = 9,
}

/// <summary>An address that the header names as who wrote or sent the message. The localpart is unquoted.</summary>
/// <param name="Field">From, Sender, Resent-From or Resent-Sender.</param>
public readonly record struct ClaimedSender(string Field, string Localpart, string Domain);

/// <summary>The header section of a submitted message, checked and repaired; or the first fault that was found in it.</summary>
public sealed record SubmittedHeader
{
    public HeaderFault Fault { get; private init; }

    /// <summary>The field that the fault is in; empty where that is none of the known ones.</summary>
    public string FaultyField { get; private init; } = "";

    /// <summary>Whole lines, with the empty line where there was one.</summary>
    public ReadOnlyMemory<byte> Repaired { get; private init; }

    /// <summary>False: <see cref="Repaired"/> is what was received.</summary>
    public bool IsChanged { get; private init; }

    /// <summary>The message had an id of its own when it was received.</summary>
    public bool HadMessageId { get; private init; }

    /// <summary>Everybody who is said to have written or sent it, in the order of the header; a From address at least.</summary>
    public ImmutableArray<ClaimedSender> Senders { get; private init; } = [];

    internal static SubmittedHeader Refused(HeaderFault fault, string field) => new() { Fault = fault, FaultyField = field };

    internal static SubmittedHeader Taken(ReadOnlyMemory<byte> repaired, bool isChanged, bool hadMessageId, ImmutableArray<ClaimedSender> senders) =>
        new() { Repaired = repaired, IsChanged = isChanged, HadMessageId = hadMessageId, Senders = senders };
}
