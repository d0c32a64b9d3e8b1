using System.Globalization;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Testing.Daemons;

/// <summary>
/// rspamd with one worker, without its modules, its network and redis: GTUBE is rejected, and one rule of the tests' own reads what score and
/// which fields a message asks for. One for an assembly: <c>[assembly: AssemblyFixture(typeof(RspamdServer))]</c>; the first who needs it starts it.
/// </summary>
public sealed class RspamdServer : IAsyncDisposable
{
    /// <summary>Generic test for unsolicited bulk e-mail: what every filter of spam takes for spam.</summary>
    public const string Gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

    private readonly DaemonProcess _process = new("rspamd");
    private readonly Lazy<Task<Uri>> _started;

    public RspamdServer() => _started = new(StartAsync);

    /// <summary>Where its normal worker answers; the test is skipped where it is not installed.</summary>
    public Task<Uri> UrlAsync()
    {
        DebianProgram.Require("rspamd", "rspamd");
        return _started.Value;
    }

    /// <inheritdoc cref="DaemonProcess.Freeze"/>
    public IDisposable Freeze() => _process.Freeze();

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private async Task<Uri> StartAsync()
    {
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Choose()}"));
        _process.WriteFile("domains", "com\norg\ntest\n");
        _process.WriteFile("rules.lua", Rules);
        var configuration = _process.WriteFile("rspamd.conf", Configuration(url.Port));
        using var http = new HttpClient();
        await _process.StartAsync(
            DebianProgram.Require("rspamd", "rspamd"), ["-f", "--insecure", "-c", configuration],
            async cancel => await http.GetStringAsync(new Uri(url, "/ping"), cancel) is ['p', 'o', 'n', 'g', ..]);
        return url;
    }

    // A nameserver is named that nobody is, so that none is looked for.
    private string Configuration(int port) => $$"""
        options {
          pidfile = "{{_process.Folder}}/pid";
          tempdir = "{{_process.Folder}}";
          control_socket = "{{_process.Folder}}/control mode=0600";
          hs_cache_dir = "{{_process.Folder}}";
          cache_file = "{{_process.Folder}}/symbols";
          url_tld = "{{_process.Folder}}/domains";
          filters = "";
          dns { nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }
        }
        logging { type = "console"; level = "info"; }
        actions { reject = 15; add_header = 6; greylist = 4; }
        worker "normal" { bind_socket = "127.0.0.1:{{port}}"; count = 1; }
        lua = "{{_process.Folder}}/rules.lua";
        """;

    // X-Test-Score asks for a score; X-Test-Envelope for what rspamd knows of the envelope, as a field that is added.
    private const string Rules = """
        rspamd_config:register_symbol{
          name = 'TEST_SCORE', score = 1.0, type = 'normal', group = 'test',
          callback = function(task)
            local score = tonumber(task:get_header('X-Test-Score'))
            if score then return true, score end
            return false
          end
        }
        rspamd_config:register_symbol{
          name = 'TEST_ENVELOPE', score = 0.0, type = 'postfilter', group = 'test',
          callback = function(task)
            if not task:get_header('X-Test-Envelope') then return end
            local rcpt = {}
            for _, r in ipairs(task:get_recipients('smtp') or {}) do table.insert(rcpt, r.addr) end
            local from = task:get_from('smtp')
            local received = task:get_received_headers() or {}
            task:set_milter_reply({ add_headers = {
              ['X-Test-Seen'] = { value = table.concat({
                '<' .. (from and from[1].addr or '-') .. '>', table.concat(rcpt, ','), tostring(task:get_ip()), task:get_helo() or '-', task:get_hostname() or '-',
                task:get_user() or '-', task:get_queue_id() or '-', tostring(#received), tostring(task:get_size()) }, ' '), order = 0 },
              ['X-Spam-Flag'] = 'NO',
              ['Subject'] = 'forged',
            }})
          end
        }
        """;
}
