using System.Text.Json;
using System.Text.Json.Serialization;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>What one silo has of a site: see <see cref="SiloLease"/>.</summary>
/// <param name="Left">Until it ends.</param>
internal sealed record LeftLease(Guid Silo, string Name, long Number, int Leased, int InUse, int Wanted, TimeSpan Left);

/// <summary>
/// What an activation that ends in order leaves to the next one, so that this need not wait until all is over that may have been leased. Times are what was
/// left of them when it was made: whoever reads them later counts from then, too long and never too short.
/// </summary>
internal sealed record SiteHandover(int Format, LeftLease[] Leases)
{
    public const int Known = 1;

    /// <summary>Of a text in the store, which has two bytes for each.</summary>
    private const int MaxChars = 30_000;

    /// <summary>No silo has as many connections to a site.</summary>
    private const int MaxLeased = 1_000_000;

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
            return read is { Format: Known } && Array.TrueForAll(read.Leases, IsSound) ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsSound(LeftLease? lease) =>
        lease is { Leased: >= 0 and <= MaxLeased, InUse: >= 0 and <= MaxLeased, Wanted: >= 0 and <= MaxLeased } &&
        lease.Left > TimeSpan.Zero && lease.Left < Longest;
}

[JsonSerializable(typeof(SiteHandover))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
internal sealed partial class HandoverJson : JsonSerializerContext;
