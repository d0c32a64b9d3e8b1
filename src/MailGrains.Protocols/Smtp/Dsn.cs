namespace MailGrains.Protocols.Smtp;

/// <summary>NOTIFY= of RFC 3461 §4.1: of what the sender wants to hear.</summary>
[Flags]
public enum DsnNotify
{
    /// <summary>Not given: the server's choice.</summary>
    Unspecified = 0,

    /// <summary>Stands alone.</summary>
    Never = 1,
    Success = 2,
    Failure = 4,
    Delay = 8,
}

/// <summary>RET= of RFC 3461 §4.3: how much of the message a report of failure holds.</summary>
public enum DsnReturn
{
    /// <summary>Not given: the server's choice.</summary>
    Unspecified = 0,
    Full = 1,
    Headers = 2,
}

/// <summary>ORCPT= of RFC 3461 §4.2: the address that the sender gave, decoded.</summary>
/// <param name="AddressType">As given: <c>rfc822</c>, <c>utf-8</c> (RFC 6533 §3), or another that is registered.</param>
/// <param name="Address">No control characters; US-ASCII but for the type utf-8. Whether it is an address nobody has checked.</param>
public sealed record OriginalRecipient(string AddressType, string Address)
{
    /// <summary>As in the fields of reports: <c>rfc822;alice@example.test</c>.</summary>
    public override string ToString() => $"{AddressType};{Address}";
}
