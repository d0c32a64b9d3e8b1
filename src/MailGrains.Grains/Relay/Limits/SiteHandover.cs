using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>What one silo has of a site: see <see cref="SiloLease"/>.</summary>
/// <param name="Left">Until it ends.</param>
internal sealed record LeftLease(Guid Silo, string Name, long Number, int Leased, int InUse, int Wanted, TimeSpan Left);

/// <summary>How a site that has failed is treated: see <see cref="SiteBackOff"/>.</summary>
/// <param name="Left">Until there may be a probe; zero or less: there may be one.</param>
/// <param name="Since">The last failure.</param>
internal sealed record LeftBackOff(
    DestinationCondition Condition, int Allowed, int Level, TimeSpan Left, Guid? Prober, string? LastFailure, TimeSpan? Since);

/// <summary>
/// What an activation that ends in order leaves to the next one, so that this need not wait until all is over that may have been leased. Times are what was
/// left of them when it was made: whoever reads them later counts from then, too long and never too short.
/// </summary>
internal sealed record SiteHandover(int Format, LeftLease[] Leases, LeftBackOff BackOff)
{
    public const int Known = 1;

    /// <summary>Of a text in the store, which has two bytes for each.</summary>
    private const int MaxChars = 30_000;

    /// <summary>No lease is as long.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <returns>Null: it is too much to be stored, and the next activation has to wait.</returns>
    public string? Write() => JsonSerializer.Serialize(this, HandoverJson.Default.SiteHandover) is { Length: <= MaxChars } text ? text : null;

    /// <returns>Null: there is none that could be read.</returns>
    public static SiteHandover? TryRead(string? text)
    {
        try
        {
            var read = text is null ? null : JsonSerializer.Deserialize(text, HandoverJson.Default.SiteHandover);
            return read is { Format: Known, BackOff.Condition: >= DestinationCondition.Open and <= DestinationCondition.Probing } &&
                Array.TrueForAll(read.Leases, lease => lease is { Leased: >= 0, InUse: >= 0, Wanted: >= 0 } && lease.Left < Longest) ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSerializable(typeof(SiteHandover))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
internal sealed partial class HandoverJson : JsonSerializerContext;
