namespace MailGrains.Gateways.Acme;

/// <summary>Which certificate: that of one of the service's names, or that of a tenant's domain; the tenant leads.</summary>
/// <param name="Tenant">Empty: the service.</param>
/// <param name="Name">The service's name, or the tenant's domain.</param>
internal readonly record struct CertificateKey(string Tenant, string Name)
{
    private static readonly string[] Labels = ["mail", "mta-sts"];

    private const int MaxNameChars = 253;

    public bool IsService => Tenant.Length == 0;

    /// <summary>What it may be for.</summary>
    public IReadOnlyList<string> Candidates()
    {
        if (IsService)
        {
            return [Name];
        }

        var domain = Name;
        return [.. Labels.Select(label => $"{label}.{domain}").Where(name => name.Length <= MaxNameChars)];
    }

    public static CertificateKey Parse(string text) =>
        text.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? new(text[..slash], text[(slash + 1)..]) : default;

    public override string ToString() => $"{Tenant}/{Name}";
}
