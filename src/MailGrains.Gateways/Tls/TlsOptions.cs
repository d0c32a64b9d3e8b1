namespace MailGrains.Gateways.Tls;

/// <summary>PEM files: the chain, leaf first, in <paramref name="Path"/>; the key beside it or in <paramref name="KeyPath"/>.</summary>
/// <param name="Password">Of an encrypted key (PKCS #8).</param>
public sealed record CertificateFile(string Path, string? KeyPath = null, string? Password = null)
{
    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => Path;
}

public sealed record TlsOptions
{
    /// <summary>Whose certificate a client gets that names no host, or none that we have.</summary>
    public required string HostName { get; init; }

    /// <summary>Empty: a self-signed one is made, and kept in the store.</summary>
    public IReadOnlyList<CertificateFile> Certificates { get; init; } = [];

    /// <summary>How often the files are looked at.</summary>
    public TimeSpan PollPeriod { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>With less time left the log warns, and a self-signed certificate is made again.</summary>
    public TimeSpan ExpiryWarning { get; init; } = TimeSpan.FromDays(30);
}
