using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Relay.Destinations.Sts;

/// <summary>A policy that was fetched.</summary>
/// <param name="Id">The TXT record's.</param>
internal sealed record KnownPolicy(StsPolicy Policy, string Id, DateTimeOffset FetchedAt)
{
    // RFC 8461 §3.2: max_age counts from when it was fetched.
    public bool IsValid(DateTimeOffset now) => now < FetchedAt + Policy.MaxAge;
}

/// <summary>
/// Policies in the store, for all silos and over restarts: table <c>Destinations</c> of account 0, partition <c>sts:{domain}</c>, row <c>p</c>; <c>f</c> the format's
/// number, <c>v</c> the record as JSON.
/// </summary>
internal sealed class StsPolicyTable(StorageAccounts accounts)
{
    private const long Format = 1;
    private const string Row = "p";

    /// <exception cref="StoreException">The store fails, or the row can't be read by this release.</exception>
    public async Task<KnownPolicy?> ReadAsync(string domain, CancellationToken cancellationToken)
    {
        if (await accounts.Directory.Tables.ReadAsync(TableNames.Destinations, Partition(domain), Row, cancellationToken) is not { } row)
        {
            return null;
        }

        try
        {
            return row.Number("f") == Format && row.Text("v") is { } json && JsonSerializer.Deserialize(json, StsJson.Default.StoredStsPolicy) is { } stored
                ? new KnownPolicy(
                    new StsPolicy((StsMode)stored.Mode, [.. stored.Mx], TimeSpan.FromSeconds(stored.MaxAgeSeconds)), stored.Id, stored.FetchedAt)
                : throw Unreadable(domain, null);
        }
        catch (JsonException e)
        {
            throw Unreadable(domain, e);
        }
    }

    /// <exception cref="StoreException">It may or may not have been written.</exception>
    public async Task WriteAsync(string domain, KnownPolicy policy, CancellationToken cancellationToken)
    {
        var stored = new StoredStsPolicy(policy.Id, (int)policy.Policy.Mode, [.. policy.Policy.Mx], (long)policy.Policy.MaxAge.TotalSeconds, policy.FetchedAt);
        var properties = new RowProperties([new("f", Format), new("v", JsonSerializer.Serialize(stored, StsJson.Default.StoredStsPolicy))]);
        await accounts.Directory.Tables.CommitAsync(
            TableNames.Destinations, Partition(domain), [TableOperation.Upsert(Row, properties)], cancellationToken);
    }

    private static string Partition(string domain) => "sts:" + TableKey.Encode(domain);

    private static StoreException Unreadable(string domain, Exception? inner) =>
        new(StoreFailure.Unreadable, $"The stored MTA-STS policy of '{domain}' can't be read by this release.", inner);
}

/// <summary><see cref="Mode"/> as <see cref="StsMode"/> numbers it.</summary>
internal sealed record StoredStsPolicy(string Id, int Mode, string[] Mx, long MaxAgeSeconds, DateTimeOffset FetchedAt);

[JsonSerializable(typeof(StoredStsPolicy))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
internal sealed partial class StsJson : JsonSerializerContext;
