using MailGrains.Messages.Dns;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;

namespace MailGrains.Gateways.Acme;

/// <summary>What the grain works with.</summary>
public sealed class CertificateParts(
    StorageAccounts accounts, SecretSeal seal, AcmeOptions options, DnsResolver resolver, AcmeMetrics metrics, TimeProvider time)
{
    internal AcmeOptions Options => options;

    internal AcmeMetrics Metrics => metrics;

    internal CertificateRows Rows { get; } = new(accounts, seal);

    internal ChallengeRows Challenges { get; } = new(accounts, time);

    internal NameCheck Names { get; } = new(resolver, options);
}
