using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Tests;

/// <summary>What our own code logs, of information and above.</summary>
public sealed class LoggedLines : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Log(categoryName.StartsWith("MailGrains", StringComparison.Ordinal) ? _lines : null);

    public void Dispose()
    {
    }

    private sealed class Log(ConcurrentQueue<string>? lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => lines is not null && logLevel >= LogLevel.Information;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lines!.Enqueue(formatter(state, exception));
            }
        }
    }
}
