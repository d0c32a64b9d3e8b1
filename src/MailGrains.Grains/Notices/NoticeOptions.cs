namespace MailGrains.Grains.Notices;

/// <summary>How delivery reports are sent; immutable.</summary>
public sealed record NoticeOptions
{
    /// <summary>Ours: who reports (RFC 3464 §2.2.2), and the sender's domain where no domain of the tenant is at hand.</summary>
    public string HostName { get; init; } = "localhost";
}
