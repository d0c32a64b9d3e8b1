using System.Collections.Immutable;

namespace MailGrains.Contracts.Certificates;

/// <summary>
/// Orders and renews the certificates of the service's names, and of tenants' names that lead here, one grain for the whole cluster; key 0. It runs by
/// a reminder, on silos of the role <c>gateway</c>; what it keeps lies in the store, so that it goes on wherever it was interrupted.
/// </summary>
[Alias("mailgrains.ICertificateGrain")]
public interface ICertificateGrain : IGrainWithIntegerKey
{
    /// <summary>Makes sure that the reminder exists, and that a run is under way; called at the start of each silo.</summary>
    [Alias("Start")]
    ValueTask StartAsync(CancellationToken cancellationToken);

    /// <summary>The certificates in the order of their keys, as the store has them.</summary>
    /// <param name="after">The "next" of the page before.</param>
    /// <param name="limit">At most <see cref="CertificatePage.MaxLimit"/>.</param>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("List")]
    ValueTask<CertificatePage> ListAsync(string? after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Begins a run that orders anew, whenever it is due, the certificate that is for <paramref name="name"/>; null: that looks at all names, and
    /// orders what is due.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The store can't be asked now.</exception>
    [Alias("Renew")]
    ValueTask<RenewOutcome> RenewAsync(string? name, CancellationToken cancellationToken);

    /// <summary>What operators are to know of now, by what the last run found.</summary>
    /// <exception cref="StoreUnavailableException">The store can't be read now.</exception>
    [Alias("Look")]
    ValueTask<CertificateWatch> LookAsync(CancellationToken cancellationToken);
}

/// <param name="Key"><c>/name</c> of one of the service's names, or <c>tenant/domain</c>.</param>
/// <param name="Names">What it is for, or is to be for.</param>
/// <param name="NotAfter">Null: there is none yet.</param>
/// <param name="NextTry">When it is ordered next, at the earliest.</param>
/// <param name="LastError">Why there is none, or no newer one; null: the last order went well.</param>
/// <param name="FailingSince">Since when orders have failed.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.CertificateState")]
public sealed record CertificateState(
    [property: Id(0)] string Key, [property: Id(1)] ImmutableArray<string> Names, [property: Id(2)] DateTimeOffset? NotAfter,
    [property: Id(3)] DateTimeOffset? NextTry, [property: Id(4)] string? LastError, [property: Id(5)] DateTimeOffset? FailingSince);

/// <param name="Next">Pass as "after" for the next page; null at the end.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.CertificatePage")]
public sealed record CertificatePage([property: Id(0)] ImmutableArray<CertificateState> Certificates, [property: Id(1)] string? Next)
{
    public const int MaxLimit = 1_000;
}

/// <param name="Failing">Certificates whose orders have failed for hours, and those that can't be read, some of them.</param>
/// <param name="Ending">Certificates that are near their end, some of them.</param>
/// <param name="StalledSince">Since when no run has gone well, where that is an hour or more; null: they do.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.CertificateWatch")]
public sealed record CertificateWatch(
    [property: Id(0)] ImmutableArray<CertificateState> Failing, [property: Id(1)] ImmutableArray<CertificateState> Ending,
    [property: Id(2)] DateTimeOffset? StalledSince = null);

public enum RenewOutcome
{
    /// <summary>A run is under way.</summary>
    Begun = 1,

    /// <summary>No certificate is for that name.</summary>
    NotFound = 2,

    /// <summary>The authority's limits would be broken: it was ordered, or failed, too often lately.</summary>
    TooOften = 3,

    /// <summary>No authority is configured.</summary>
    Off = 4,
}
