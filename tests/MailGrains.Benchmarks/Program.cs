using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Benchmarks.Logins;
using MailGrains.Benchmarks.Relay;
using MailGrains.Benchmarks.Scale;
using MailGrains.Benchmarks.Tls;

// Processes are counted in /proc.
[assembly: SupportedOSPlatform("linux")]

var commands = new Dictionary<string, Func<string[], CancellationToken, Task>>
{
    ["delivery"] = DeliveryCommand.RunAsync,
    ["memory"] = MemoryCommand.RunAsync,
    ["idle"] = IdleCommand.RunAsync,
    ["million"] = MillionCommand.RunAsync,
    ["tls"] = TlsCommand.RunAsync,
    ["logins"] = LoginsCommand.RunAsync,
    ["relay"] = RelayCommand.RunAsync,
    ["relay-world"] = WorldCommand.RunAsync,
    ["relay-backlog"] = BacklogCommand.RunAsync,
};

// What was started must be stopped first.
using var interrupted = new CancellationTokenSource();
void Interrupt(PosixSignalContext context)
{
    context.Cancel = true;
    interrupted.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

if (args is not [var name, .. var rest] || !commands.TryGetValue(name, out var command))
{
    await Console.Error.WriteLineAsync($"Commands: {string.Join(", ", commands.Keys)}");
    return 2;
}

try
{
    await command(rest, interrupted.Token);
    return 0;
}
catch (ArgumentException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    return 130;
}
