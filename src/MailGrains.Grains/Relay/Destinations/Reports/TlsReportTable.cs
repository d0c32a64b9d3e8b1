using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Relay.Destinations.Reports;

/// <summary>
/// Counts of TLS results in the store: table <c>Destinations</c> of account 0, partition <c>tls:{yyyy-MM-dd}</c>, row <c>{domain}:{policy}:{writer}</c>; <c>f</c> the
/// format's number, <c>v</c> the record as JSON. Each silo writes rows of its own, whole counts, so nothing is ever added up in the store.
/// </summary>
public sealed class TlsReportTable(StorageAccounts accounts)
{
    private const long Format = 1;
    private const int RowsPerCommit = 50;
    private const string Prefix = "tls:";

    // A report is sent the day after, and tried again for a day (RFC 8460 §5.3).
    private static readonly TimeSpan Kept = TimeSpan.FromDays(14);

    private readonly string _writer = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6));

    /// <summary>All rows of a day, those of a domain beside each other; one domain and policy may have several, which are to be added up.</summary>
    /// <exception cref="StoreException">The store fails, or a row can't be read by this release.</exception>
    public async IAsyncEnumerable<TlsDayCount> ReadAsync(DateOnly day, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in accounts.Directory.Tables.ReadRowsAsync(TableNames.Destinations, Partition(day), KeyRange.All, cancellationToken))
        {
            yield return Decode(day, row);
        }
    }

    /// <exception cref="StoreException">Some may have been written.</exception>
    internal async Task WriteAsync(IReadOnlyList<TlsDayCount> counts, CancellationToken cancellationToken)
    {
        foreach (var day in counts.GroupBy(count => count.Day))
        {
            foreach (var chunk in day.Chunk(RowsPerCommit))
            {
                await accounts.Directory.Tables.CommitAsync(
                    TableNames.Destinations, Partition(day.Key), [.. chunk.Select(Encode)], cancellationToken);
            }
        }
    }

    /// <summary>Days that nobody will report on any more.</summary>
    /// <exception cref="StoreException">Some may be left.</exception>
    internal async Task DeleteBeforeAsync(DateOnly today, CancellationToken cancellationToken)
    {
        var past = new KeyRange(Prefix, true, Partition(today.AddDays(-Kept.Days)), false);
        List<TableRow> rows = [];
        await foreach (var row in accounts.Directory.Tables.ReadPartitionsAsync(TableNames.Destinations, past, cancellationToken))
        {
            if (rows.Count == RowsPerCommit || (rows.Count > 0 && rows[0].Partition != row.Partition))
            {
                await DeleteAsync(rows, cancellationToken);
                rows.Clear();
            }

            rows.Add(row);
        }

        if (rows.Count > 0)
        {
            await DeleteAsync(rows, cancellationToken);
        }
    }

    // Where another silo deletes at the same time, one of the two finds them gone.
    private async Task DeleteAsync(List<TableRow> rows, CancellationToken cancellationToken) => await accounts.Directory.Tables.CommitAsync(
        TableNames.Destinations, rows[0].Partition, [.. rows.Select(row => TableOperation.Delete(row.Row))], cancellationToken);

    private static string Partition(DateOnly day) => Prefix + day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private TableOperation Encode(TlsDayCount count)
    {
        var stored = new StoredTlsCount(
            count.Domain, (int)count.Policy.Type, count.Policy.Domain, [.. count.Policy.Lines], count.Successes,
            [.. count.Failures.Select(f => new StoredTlsFailure((int)f.Result, f.Host, f.Reason, f.Sessions))]);
        var properties = new RowProperties([new("f", Format), new("v", JsonSerializer.Serialize(stored, TlsReportJson.Readable.StoredTlsCount))]);
        return TableOperation.Upsert($"{TableKey.Encode(count.Domain)}:{count.Policy.Key}:{_writer}", properties);
    }

    private static TlsDayCount Decode(DateOnly day, TableRow row)
    {
        try
        {
            return row.Number("f") == Format && row.Text("v") is { } json &&
                JsonSerializer.Deserialize(json, TlsReportJson.Readable.StoredTlsCount) is { } stored
                ? new TlsDayCount(
                    day, stored.Domain, new TlsPolicy((TlsPolicyType)stored.Type, stored.PolicyDomain, [.. stored.Lines]), stored.Successes,
                    [.. stored.Failures.Select(f => new TlsFailureCount((TlsResultType)f.Result, f.Host, f.Reason, f.Sessions))])
                : throw Unreadable(row, null);
        }
        catch (JsonException e)
        {
            throw Unreadable(row, e);
        }
    }

    private static StoreException Unreadable(TableRow row, Exception? inner) =>
        new(StoreFailure.Unreadable, $"Row '{row.Row}' of '{row.Partition}' can't be read by this release.", inner);
}

/// <summary><see cref="Type"/> as <see cref="TlsPolicyType"/> numbers it.</summary>
internal sealed record StoredTlsCount(string Domain, int Type, string PolicyDomain, string[] Lines, long Successes, StoredTlsFailure[] Failures);

/// <summary><see cref="Result"/> as <see cref="TlsResultType"/> numbers it.</summary>
internal sealed record StoredTlsFailure(int Result, string? Host, string? Reason, long Sessions);

[JsonSerializable(typeof(StoredTlsCount))]
internal sealed partial class TlsReportJson : JsonSerializerContext
{
    public static TlsReportJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
