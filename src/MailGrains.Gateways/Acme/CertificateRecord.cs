using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Storage;

namespace MailGrains.Gateways.Acme;

/// <summary>What is stored of one certificate, as JSON in a sealed row. Format 1; a later one is never read for this, and never overwritten.</summary>
internal sealed record CertificateRecord
{
    private const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;

    /// <summary>What the certificate is for, or is to be for as long as there is none.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>PEM, leaf first; null: there is none yet.</summary>
    public string? Chain { get; init; }

    /// <summary>PEM. Secret.</summary>
    public string? Key { get; init; }

    /// <summary>The directory of the authority that issued it; null: it is not known.</summary>
    public string? Directory { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    /// <summary>What the authority said of when to renew; null: nothing.</summary>
    public DateTimeOffset? SuggestedRenewal { get; init; }

    /// <summary>When it is to be asked again.</summary>
    public DateTimeOffset? AskRenewalAt { get; init; }

    /// <summary>No order before this time.</summary>
    public DateTimeOffset NextTry { get; init; }

    public DateTimeOffset? FailingSince { get; init; }

    public string? LastError { get; init; }

    /// <summary>Since when none of a tenant's names leads here: it is to end.</summary>
    public DateTimeOffset? ElsewhereSince { get; init; }

    /// <summary>Orders that failed, one after the other.</summary>
    public int Tries { get; init; }

    /// <summary>When orders began that are not known to have gone well; the last few.</summary>
    public IReadOnlyList<DateTimeOffset> Attempts { get; init; } = [];

    /// <summary>When certificates were issued; the last few.</summary>
    public IReadOnlyList<DateTimeOffset> Issued { get; init; } = [];

    public PendingOrder? Pending { get; init; }

    /// <summary>Keeps the key out of logs.</summary>
    public override string ToString() => string.Join(' ', Names);

    public string Write() => JsonSerializer.Serialize(this, RecordJson.Default.CertificateRecord);

    /// <exception cref="StoreException">It is damaged, or of a later release.</exception>
    public static CertificateRecord Read(string key, string text)
    {
        try
        {
            if (JsonSerializer.Deserialize(text, RecordJson.Default.CertificateRecord) is { Format: CurrentFormat } record)
            {
                return record;
            }
        }
        catch (JsonException)
        {
        }

        throw new StoreException(StoreFailure.Unreadable, $"The certificate '{key}' in the store is damaged, or of a later release.");
    }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 8)]
[JsonSerializable(typeof(CertificateRecord))]
internal sealed partial class RecordJson : JsonSerializerContext;
