using MailGrains.Contracts.Certificates;

namespace MailGrains.Web.Tests;

/// <summary>Two certificates: the service's own, and that of a tenant whose orders fail.</summary>
public sealed class KnownCertificatesGrain : Grain, ICertificateGrain
{
    private static readonly DateTimeOffset At = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly CertificateState[] All =
    [
        new("/mx.known.test", ["mx.known.test"], At.AddDays(90), At.AddDays(60), null, null),
        new("one/known.test", ["mail.known.test"], null, At, "no answer", At),
    ];

    public ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask<CertificatePage> ListAsync(string? after, int limit, CancellationToken cancellationToken)
    {
        var rest = All.Where(state => after is null || string.CompareOrdinal(state.Key, after) > 0).ToList();
        return ValueTask.FromResult(new CertificatePage([.. rest.Take(limit)], rest.Count > limit ? rest[limit - 1].Key : null));
    }

    public ValueTask<RenewOutcome> RenewAsync(string? name, CancellationToken cancellationToken) => ValueTask.FromResult(name switch
    {
        null or "mx.known.test" => RenewOutcome.Begun,
        "mail.known.test" => RenewOutcome.TooOften,
        "off.known.test" => RenewOutcome.Off,
        _ => RenewOutcome.NotFound,
    });

    public ValueTask<CertificateWatch> LookAsync(CancellationToken cancellationToken) => ValueTask.FromResult(new CertificateWatch([], []));
}
