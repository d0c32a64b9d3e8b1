using MailGrains.Storage.Sqlite.Files;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// Moves the WAL into the file beside the writer. A pass of this thread never reaches the WAL's end while commits go on, and SQLite starts
/// the WAL anew only when everything in it has been moved; so once a pass has left little, the writer moves the rest itself, between two
/// groups. That keeps the WAL bounded and the writer's pause short.
/// </summary>
internal sealed class CheckpointThread : IDisposable
{
    /// <summary>64 MiB: pages that many commits change are moved once.</summary>
    private const int StartPages = 64 * 1024 * 1024 / Database.PageBytes;

    /// <summary>What the writer moves itself, at the most …</summary>
    private const int RestPages = StartPages / 16;

    /// <summary>… unless the disk is so slow that the WAL has come to this: then commits wait for it.</summary>
    private const int MaxPages = 8 * StartPages;

    private readonly Database _database;
    private readonly Thread _thread;
    private readonly SemaphoreSlim _start = new(0);
    private volatile State _state = State.Idle;
    private volatile bool _closed;
    private int _pagesAtStart;

    public CheckpointThread(Database database)
    {
        _database = database;
        _thread = new Thread(Run) { IsBackground = true, Name = "MailGrains SQLite checkpoint" };
        _thread.Start();
    }

    private enum State
    {
        Idle,
        Running,
        Passed,
    }

    /// <summary>The writer calls it between groups, once the callers have their answers.</summary>
    public void AfterGroup(WriteConnection writer)
    {
        var pages = writer.PagesWritten();
        if (_state == State.Running ? pages < MaxPages : pages < StartPages)
        {
            return;
        }

        if (pages >= MaxPages || (_state == State.Passed && pages - _pagesAtStart <= RestPages))
        {
            if (!writer.Checkpoint())
            {
                // Tried again after the next group.
                return;
            }

            writer.ResetPagesWritten();
            _pagesAtStart = 0;
            _state = _state == State.Passed ? State.Idle : _state;
        }
        else
        {
            _pagesAtStart = pages;
            _state = State.Running;
            _start.Release();
        }
    }

    public void Dispose()
    {
        _closed = true;
        _start.Release();
        _thread.Join();
        _start.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _start.Wait();
            if (_closed)
            {
                return;
            }

            try
            {
                using var connection = _database.Connect();
                Database.Checkpoint(connection);
            }
            catch (StoreException)
            {
                // No room, or the file is gone: the commits say so.
            }

            _state = State.Passed;
        }
    }
}
