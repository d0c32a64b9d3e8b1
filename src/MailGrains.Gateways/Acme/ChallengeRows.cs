using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// Answers to challenges, where every process finds them: table <c>Directory</c>, partition <c>acme-challenges</c>, a row a token: <c>f</c> format 1,
/// <c>k</c> the key authorization, <c>t</c> when it was written (Unix time in seconds). No secrets: whoever asks for a token gets its answer.
/// </summary>
internal sealed class ChallengeRows(StorageAccounts accounts, TimeProvider time)
{
    /// <summary>There are as many as orders at a time, and what lost silos left for a day.</summary>
    private const int MaxRows = 1_000;
    private const string Partition = "acme-challenges";

    private static readonly TimeSpan KeptFor = TimeSpan.FromDays(1);

    private readonly ITableStore _tables = accounts.Directory.Tables;

    public async Task PublishAsync(string token, string keyAuthorization, CancellationToken cancellationToken)
    {
        var row = new RowProperties([new("f", 1L), new("k", keyAuthorization), new("t", time.GetUtcNow().ToUnixTimeSeconds())]);
        await _tables.CommitAsync(TableNames.Directory, Partition, [TableOperation.Upsert(TableKey.Encode(token), row)], cancellationToken);
    }

    public async Task RemoveAsync(string token, CancellationToken cancellationToken) =>
        await _tables.CommitAsync(TableNames.Directory, Partition, [TableOperation.Delete(TableKey.Encode(token))], cancellationToken);

    public async Task<IReadOnlyDictionary<string, string>> ReadAsync(CancellationToken cancellationToken)
    {
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        await foreach (var row in _tables.ReadRowsAsync(TableNames.Directory, Partition, KeyRange.All, cancellationToken))
        {
            if (row.Number("f") == 1 && row.Text("k") is { } answer && TableKey.TryDecode(row.Row, out var token))
            {
                answers[token] = answer;
            }

            if (answers.Count == MaxRows)
            {
                break;
            }
        }

        return answers;
    }

    /// <summary>Removes what orders of lost silos have left.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var oldest = (time.GetUtcNow() - KeptFor).ToUnixTimeSeconds();
        var left = new List<TableRow>();
        await foreach (var row in _tables.ReadRowsAsync(TableNames.Directory, Partition, KeyRange.All, cancellationToken))
        {
            if (row.Number("f") == 1 && row.Number("t") < oldest)
            {
                left.Add(row);
            }
        }

        foreach (var row in left)
        {
            await _tables.CommitAsync(TableNames.Directory, Partition, [TableOperation.Delete(row.Row, row.ETag)], cancellationToken);
        }
    }
}
