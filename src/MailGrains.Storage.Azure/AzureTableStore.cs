using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Azure;
using Azure.Data.Tables;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Azure;

/// <summary>
/// The tables of one Azure storage account.
/// <para>A commit is one request: an entity call for a single insert, replace or upsert, else an entity group transaction. It goes
/// through a client that never repeats it, since only the caller can tell "my own earlier attempt is in" from "another was faster":
/// a lost reply is <see cref="StoreFailure.Unknown"/>. A single delete is sent as a transaction too, since the HTTP stack may repeat
/// a request without a body unasked. Reads are repeated a few times.</para>
/// <para>Limits are checked before anything is sent. A table that is not there is made on the way, and the transaction sent again, since it
/// can't have been carried out without one; to a read it is an empty one. But once this store has made or written a table, its absence is
/// <see cref="StoreFailure.Unavailable"/>: rows that were there and are gone must never read as "no such user".</para>
/// </summary>
public sealed class AzureTableStore : ITableStore
{
    /// <summary>The service's own bound for a page.</summary>
    private const int RowsPerPage = 1000;

    private readonly TableServiceClient _commits;
    private readonly TableServiceClient _reads;
    private readonly StoreMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, bool> _known = new(StringComparer.OrdinalIgnoreCase);

    internal AzureTableStore(TableServiceClient commits, TableServiceClient reads, StoreMetrics metrics, TimeProvider time)
    {
        _commits = commits;
        _reads = reads;
        _metrics = metrics;
        _time = time;
    }

    public async ValueTask<TableRow?> ReadAsync(string table, string partition, string row, CancellationToken cancellationToken)
    {
        CheckKey(partition);
        CheckKey(row);
        try
        {
            var found = await _reads.GetTableClient(table)
                .GetEntityIfExistsAsync<TableEntity>(partition, row, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (found.HasValue)
            {
                return TableEntities.ToRow(found.Value!);
            }

            // A row that is not there and a table that is not there are both a 404, told apart by the body alone.
            return found.GetRawResponse().Content.ToMemory().Span.IndexOf("TableNotFound"u8) < 0 ? null
                : _known.ContainsKey(table) ? throw Vanished(table) : null;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            throw AzureFailure.OfRead($"Reading a row of table {table}", e);
        }
    }

    public IAsyncEnumerable<TableRow> ReadRowsAsync(string table, string partition, KeyRange rows, CancellationToken cancellationToken)
    {
        CheckKey(partition);
        var filter = Both(TableClient.CreateQueryFilter($"PartitionKey eq {partition}"), Range("RowKey", rows));
        return QueryAsync(table, filter, cancellationToken);
    }

    public IAsyncEnumerable<TableRow> ReadPartitionsAsync(string table, KeyRange partitions, CancellationToken cancellationToken) =>
        QueryAsync(table, Range("PartitionKey", partitions), cancellationToken);

    public async ValueTask<TableCommit> CommitAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        try
        {
            if (TableLimits.Violation(partition, operations) is { } violation)
            {
                throw new StoreException(StoreFailure.Refused, $"Table {table}: {violation}.");
            }

            cancellationToken.ThrowIfCancellationRequested();
            var commit = ImpossibleCondition(operations) is { } index
                ? TableCommit.Conflict(index)
                : await SendAsync(table, partition, operations, cancellationToken).ConfigureAwait(false);
            if (commit.Committed)
            {
                _known.TryAdd(table, true);
                _metrics.Committed(_time.GetElapsedTime(start));
            }
            else
            {
                _metrics.Conflicted(_time.GetElapsedTime(start));
            }

            return commit;
        }
        catch (StoreException e)
        {
            _metrics.Failed(e.Failure, _time.GetElapsedTime(start));
            throw;
        }
    }

    /// <summary>Makes a table that is not there yet.</summary>
    internal async Task CreateTableAsync(string table, CancellationToken cancellationToken)
    {
        try
        {
            await _reads.CreateTableIfNotExistsAsync(table, cancellationToken).ConfigureAwait(false);
        }
        catch (RequestFailedException e) when (e is { Status: 409, ErrorCode: "TableAlreadyExists" })
        {
            // Another silo was faster.
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            // Making an empty table is no write that anyone could miss.
            throw AzureFailure.OfRead($"Making the table {table}", e);
        }

        _known[table] = true;
    }

    private async ValueTask<TableCommit> SendAsync(
        string table, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        for (var made = false; ; made = true)
        {
            try
            {
                var client = _commits.GetTableClient(table);
                return operations is [{ Kind: not TableOperationKind.Delete } single]
                    ? await SendEntityAsync(client, TableEntities.ToEntity(partition, single), single, cancellationToken).ConfigureAwait(false)
                    : await SendTransactionAsync(client, partition, operations, cancellationToken).ConfigureAwait(false);
            }
            catch (RequestFailedException e) when (AzureFailure.IsConflict(e))
            {
                var failed = (e as TableTransactionFailedException)?.FailedTransactionActionIndex ?? (operations.Count == 1 ? 0 : -1);
                return TableCommit.Conflict(failed < operations.Count ? failed : -1);
            }
            catch (RequestFailedException e) when (!made && e.ErrorCode == AzureFailure.TableNotFound && !_known.ContainsKey(table))
            {
                await CreateTableAsync(table, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (IsFailure(e, cancellationToken))
            {
                throw AzureFailure.OfWrite($"A transaction of {operations.Count} rows of table {table}", e);
            }
        }
    }

    private static async ValueTask<TableCommit> SendEntityAsync(
        TableClient client, TableEntity entity, TableOperation operation, CancellationToken cancellationToken)
    {
        var response = await (operation.Kind switch
        {
            TableOperationKind.Insert => client.AddEntityAsync(entity, cancellationToken),
            TableOperationKind.Replace =>
                client.UpdateEntityAsync(entity, new ETag(operation.IfMatch!), TableUpdateMode.Replace, cancellationToken),
            TableOperationKind.Upsert => client.UpsertEntityAsync(entity, TableUpdateMode.Replace, cancellationToken),
            _ => throw new UnreachableException(),
        }).ConfigureAwait(false);
        return TableCommit.Success([ETagOf(response)]);
    }

    private static async ValueTask<TableCommit> SendTransactionAsync(
        TableClient client, string partition, IReadOnlyList<TableOperation> operations, CancellationToken cancellationToken)
    {
        var actions = new TableTransactionAction[operations.Count];
        for (var i = 0; i < actions.Length; i++)
        {
            var operation = operations[i];
            var (action, etag) = operation.Kind switch
            {
                TableOperationKind.Insert => (TableTransactionActionType.Add, default(ETag)),
                TableOperationKind.Replace => (TableTransactionActionType.UpdateReplace, new ETag(operation.IfMatch!)),
                TableOperationKind.Upsert => (TableTransactionActionType.UpsertReplace, default),
                TableOperationKind.Delete => (TableTransactionActionType.Delete, new ETag(operation.IfMatch!)),
                _ => throw new UnreachableException(),
            };
            actions[i] = new TableTransactionAction(action, TableEntities.ToEntity(partition, operation), etag);
        }

        var responses = (await client.SubmitTransactionAsync(actions, cancellationToken).ConfigureAwait(false)).Value;
        var etags = new string[actions.Length];
        for (var i = 0; i < etags.Length; i++)
        {
            etags[i] = operations[i].Kind == TableOperationKind.Delete ? "" : ETagOf(responses[i]);
        }

        return TableCommit.Success(etags);
    }

    private async IAsyncEnumerable<TableRow> QueryAsync(
        string table, string? filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pages = _reads.GetTableClient(table)
            .QueryAsync<TableEntity>(filter, RowsPerPage, cancellationToken: cancellationToken).AsPages().GetAsyncEnumerator(cancellationToken);
        await using (pages.ConfigureAwait(false))
        {
            while (true)
            {
                try
                {
                    if (!await pages.MoveNextAsync().ConfigureAwait(false))
                    {
                        yield break;
                    }
                }
                catch (RequestFailedException e) when (e.ErrorCode == AzureFailure.TableNotFound)
                {
                    if (_known.ContainsKey(table))
                    {
                        throw Vanished(table);
                    }

                    yield break;
                }
                catch (Exception e) when (IsFailure(e, cancellationToken))
                {
                    throw AzureFailure.OfRead($"Reading rows of table {table}", e);
                }

                foreach (var entity in pages.Current.Values)
                {
                    yield return TableEntities.ToRow(entity);
                }
            }
        }
    }

    private static string? Range(string key, KeyRange range) => Both(
        range.Lower is null ? null : Bound(key, range.LowerInclusive ? "ge" : "gt", range.Lower),
        range.Upper is null ? null : Bound(key, range.UpperInclusive ? "le" : "lt", range.Upper));

    /// <summary>The key's name and the comparison are ours; what they are compared with is quoted by the SDK.</summary>
    private static string Bound(string key, string comparison, string bound) =>
        TableClient.CreateQueryFilter(FormattableStringFactory.Create($"{key} {comparison} {{0}}", bound));

    private static string? Both(string? first, string? second) =>
        first is null ? second : second is null ? first : $"{first} and {second}";

    /// <summary>
    /// The index of an operation whose ETag the service can't have given: no row matches it, and the service would not call that a
    /// conflict but a malformed request.
    /// </summary>
    private static int? ImpossibleCondition(IReadOnlyList<TableOperation> operations)
    {
        for (var i = 0; i < operations.Count; i++)
        {
            if (operations[i].IfMatch is { } etag && etag != TableOperation.Any &&
                !(etag.Length > 3 && etag.StartsWith("W/\"", StringComparison.Ordinal) && etag.IndexOf('"', 3) == etag.Length - 1))
            {
                return i;
            }
        }

        return null;
    }

    private static StoreException Vanished(string table) =>
        new(StoreFailure.Unavailable, $"The table {table} was there and is not any more.");

    private static string ETagOf(Response response) => response.Headers.ETag?.ToString() ??
        throw new StoreException(StoreFailure.Unknown, "The service answered a write without an ETag.");

    /// <summary>Whether an exception is the store's failure: neither one of ours, nor the caller's own cancellation.</summary>
    private static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        error is not StoreException && !(error is OperationCanceledException && cancellationToken.IsCancellationRequested);

    private static void CheckKey(string key)
    {
        if (TableLimits.KeyViolation(key) is { } violation)
        {
            throw new StoreException(StoreFailure.Refused, violation);
        }
    }
}
