namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// Answers the callers of a group from one work item of the thread pool: the writer's thread pays one hand-over a group, and each
/// caller's continuation goes to the local queue of the pool's thread, where idle ones pick it up.
/// </summary>
internal sealed class CompletionBatch(PendingCommit[] commits) : IThreadPoolWorkItem
{
    public static void Complete(List<PendingCommit> group) =>
        ThreadPool.UnsafeQueueUserWorkItem(new CompletionBatch([.. group]), preferLocal: false);

    public void Execute()
    {
        foreach (var commit in commits)
        {
            commit.Complete();
        }
    }
}
