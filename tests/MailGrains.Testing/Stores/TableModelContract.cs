using CsCheck;
using MailGrains.Storage;
using MailGrains.Storage.Tables;
using Xunit;

namespace MailGrains.Testing.Stores;

/// <summary>Random transactions leave in every <see cref="ITableStore"/> what they leave in a dictionary.</summary>
public abstract class TableModelContract
{
    /// <summary>A store that has the tables of <see cref="TableNames"/>.</summary>
    protected abstract ITableStore Store { get; }

    /// <summary>How many histories are tried; a slow store takes fewer.</summary>
    protected virtual int Histories => 200;

    private static readonly Gen<Step> GenStep = Gen.Select(
        Gen.Int[1, 4], Gen.Int[0, 5], Gen.Int[0, 4], Gen.Int[0, 2000],
        (kind, row, tag, size) => new Step((TableOperationKind)kind, row, tag < 3 ? Tag.Current : tag == 3 ? Tag.Old : Tag.Any, size));

    private enum Tag
    {
        Current,
        Old,
        Any,
    }

    [Fact]
    public void RandomTransactionsLeaveWhatTheyLeaveInADictionary() =>
        GenStep.Array[1, 5].Array[1, 15].Sample(
            history => CheckAsync(history, TestContext.Current.CancellationToken).GetAwaiter().GetResult(), iter: Histories, threads: 1);

    private async Task CheckAsync(Step[][] history, CancellationToken cancellationToken)
    {
        var partition = "contract:" + Guid.NewGuid().ToString("N");
        SortedDictionary<string, (string ETag, int Size)> model = new(StringComparer.Ordinal);
        HashSet<string> etags = [];
        var old = "0";
        foreach (var steps in history)
        {
            var operations = steps.DistinctBy(s => s.Row).Select(s => s.ToOperation(model, old)).ToArray();
            var holds = operations.All(o => Holds(o, model));
            var commit = await Store.CommitAsync(TableNames.Mail, partition, operations, cancellationToken);
            Assert.Equal(holds, commit.Committed);
            for (var i = 0; holds && i < operations.Length; i++)
            {
                if (operations[i].Kind == TableOperationKind.Delete)
                {
                    old = model[operations[i].Row].ETag;
                    model.Remove(operations[i].Row);
                    continue;
                }

                etags.Add(commit.ETags[i]);
                model[operations[i].Row] = (commit.ETags[i], operations[i].Properties["v"].AsBytes!.Value.Length);
            }

            var read = await Store.ReadRowsAsync(TableNames.Mail, partition, KeyRange.All, cancellationToken).ToListAsync(cancellationToken);
            Assert.Equal(model.Select(m => (m.Key, m.Value.ETag, m.Value.Size)), read.Select(r => (r.Row, r.ETag, r.Bytes("v")!.Value.Length)));
        }

        Assert.DoesNotContain("", etags);
    }

    private static bool Holds(TableOperation operation, SortedDictionary<string, (string ETag, int Size)> model)
    {
        var exists = model.TryGetValue(operation.Row, out var row);
        return operation.Kind switch
        {
            TableOperationKind.Insert => !exists,
            TableOperationKind.Upsert => true,
            _ => exists && (operation.IfMatch == TableOperation.Any || operation.IfMatch == row.ETag),
        };
    }

    private sealed record Step(TableOperationKind Kind, int Row, Tag Tag, int Size)
    {
        public TableOperation ToOperation(SortedDictionary<string, (string ETag, int Size)> model, string old)
        {
            var key = $"row{Row}";
            var etag = Tag switch
            {
                Tag.Any => TableOperation.Any,
                Tag.Current when model.TryGetValue(key, out var current) => current.ETag,
                _ => old,
            };
            Dictionary<string, TableValue> properties = new() { ["v"] = new byte[Size] };
            return Kind switch
            {
                TableOperationKind.Insert => TableOperation.Insert(key, properties),
                TableOperationKind.Replace => TableOperation.Replace(key, properties, etag),
                TableOperationKind.Upsert => TableOperation.Upsert(key, properties),
                _ => TableOperation.Delete(key, etag),
            };
        }
    }
}
